#pragma once

#include "messages.h"

/*
 * Makes the calls of a message, until one fails. `size` bytes of it arrived. The descriptors are owned from here on.
 * Returns 0 if init must end: the message is not well formed, or comes after the seal.
 */
int make_calls(const struct calls_message* message, unsigned long size, const int* descriptors, unsigned count,
               struct calls_answer* answer);

/* Puts the descriptors for the answer to take back there. Returns how many these are. */
unsigned shown_of(const struct calls_message* message, int* descriptors);

/* Whether a call has failed: no other one is made. */
int has_failed(void);

/* Whether the root is sealed, so that commands may be launched. */
int is_sealed(void);
