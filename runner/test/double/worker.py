# A worker with another implementation of gRPC and an encoding of its own: what it knows of the protocol are the numbers of the fields.
#   python3 worker.py SOCKET NAME CASE     NAME is the action's folder in the build directory; prints what came of it as JSON
import json
import sys
import threading

import grpc

VARINT, LENGTH = 0, 2


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(number, value):
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | LENGTH) + varint(len(data)) + data


def fields(data):
    at, found = 0, []

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        value = number()
        if key & 7 == LENGTH:
            value, at = data[at : at + value], at + value
        elif key & 7 != VARINT:
            raise ValueError(f"field {key >> 3} is of kind {key & 7}")
        found.append((key >> 3, value))
    return found


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def run_request(name, arguments):
    request = b"".join(text(1, argument) for argument in arguments)
    for variable, value in {"PATH": "/bin:/usr/bin", "GIVEN": "by python"}.items():
        request += text(2, text(1, variable) + text(2, value))
    paths = {4: "stdout", 5: "stderr", 6: "root", 7: "tmp", 8: "server_logs"}
    return request + b"".join(text(number, f"{name}/{path}") for number, path in paths.items())


def duration(data):
    parts = dict(fields(data))
    return parts.get(1, 0) + parts.get(2, 0) / 1e9


def answer(data):
    response = {"exit_code": 0, "usage": []}
    for number, value in fields(data):
        if number == 1:
            response["exit_code"] = signed(value)
        else:
            message = dict(fields(value))
            usage = dict(fields(message.get(2, b"")))
            response["usage"].append(
                {
                    "type": message[1].decode(),
                    "user": duration(usage.get(1, b"")),
                    "system": duration(usage.get(2, b"")),
                    "rss": usage.get(3, 0),
                    "signal": usage.get(17, b"").decode(),
                }
            )
    return response


def raw(data):
    return data


def outcome(call):
    try:
        return answer(call())
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details()}
    except grpc.FutureCancelledError:
        return {"code": "CANCELLED"}


socket, name, case = sys.argv[1:]
with grpc.insecure_channel(f"unix:{socket}") as channel:
    run = channel.unary_unary("/buildbarn.runner.Runner/Run", request_serializer=raw, response_deserializer=raw)
    ready = channel.unary_unary("/buildbarn.runner.Runner/CheckReadiness", request_serializer=raw, response_deserializer=raw)
    endless = ["sh", "-c", "while :; do echo beat >> beats; sleep 0.01; done"]
    if case == "ready":
        result = {"answer": ready(text(1, name)).hex()}
    elif case == "usage":
        result = outcome(lambda: run(run_request(name, ["sh", "-c", 'echo "$GIVEN"; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; kill -KILL $$'])))
    elif case == "deadline":
        result = outcome(lambda: run(run_request(name, endless), timeout=0.7))
    elif case == "cancel":
        future = run.future(run_request(name, endless))
        threading.Timer(0.7, future.cancel).start()
        result = outcome(future.result)
    elif case == "refused":
        result = outcome(lambda: run(run_request("../" + name, ["true"])))
    else:
        raise ValueError(case)
print(json.dumps(result))
