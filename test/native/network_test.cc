// A network of names, without a network: what is read from a build, and which addresses a name may lead to.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/address.h"
#include "network/allowed_names.h"
#include "network/client_hello.h"
#include "network/dns_message.h"
#include "network/lookups.h"
#include "network/refused_names.h"
#include "network/resolver.h"
#include "packer.h"
#include "plan/plan.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

using Bytes = std::vector<std::uint8_t>;
using Verdict = ClientHelloReader::Verdict;

/** As the tests in TypeScript have it (test/unit/fuzz-cases.ts). */
std::size_t fuzz_cases() {
  const char* const asked = std::getenv("BUILDJAIL_FUZZ_CASES");
  return asked == nullptr ? 2000 : static_cast<std::size_t>(std::strtoul(asked, nullptr, 10));
}

Bytes& add16(Bytes& bytes, std::size_t number) {
  bytes.push_back(static_cast<std::uint8_t>(number >> 8U));
  bytes.push_back(static_cast<std::uint8_t>(number));
  return bytes;
}

Bytes& add(Bytes& bytes, std::string_view more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

Bytes query_of(const std::vector<std::string_view>& labels, std::size_t type = 1, std::size_t additional = 0) {
  Bytes bytes;
  for (const std::size_t number :
       {std::size_t{7}, std::size_t{0x100}, std::size_t{1}, std::size_t{0}, std::size_t{0}, additional})
    add16(bytes, number);
  for (const std::string_view label : labels) {
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    add(bytes, label);
  }
  bytes.push_back(0);
  return add16(add16(bytes, type), 1);
}

Bytes server_name(std::string_view name) {
  Bytes bytes;
  add16(bytes, 0);
  add16(bytes, name.size() + 5);
  add16(bytes, name.size() + 3);
  bytes.push_back(0);
  return add(add16(bytes, name.size()), name);
}

Bytes client_hello(const std::vector<Bytes>& extensions) {
  Bytes body(34, 3);
  body.push_back(0);
  add16(body, 2);
  add16(body, 0x1301);
  body.push_back(1);
  body.push_back(0);
  std::size_t size = 0;
  for (const Bytes& one : extensions) size += one.size();
  add16(body, size);
  for (const Bytes& one : extensions) body.insert(body.end(), one.begin(), one.end());
  Bytes message{1, 0};
  add16(message, body.size());
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

/** Records of so many bytes each. */
Bytes records_of(const Bytes& message, std::size_t size) {
  Bytes bytes;
  for (std::size_t at = 0; at < message.size(); at += size) {
    const auto part = std::span(message).subspan(at, std::min(size, message.size() - at));
    bytes.insert(bytes.end(), {22, 3, 1});
    add16(bytes, part.size());
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

Verdict verdict_of(const Bytes& bytes, std::string_view name, std::size_t piece) {
  ClientHelloReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto verdict = reader.add(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)), name);
    if (verdict != Verdict::kUnknown) return verdict;
  }
  return Verdict::kUnknown;
}

PlannedNetwork network_of(std::vector<AllowedEntry> entries) {
  return {.kind = PlannedNetwork::Kind::kNames, .handed_in = {}, .allowed = std::move(entries)};
}

using Entry = AllowedEntry::Kind;

TEST_CASE("addresses of no public network are private, in whatever form") {
  for (const char* const text : {"0.0.0.0",
                                 "10.0.0.1",
                                 "100.64.0.1",
                                 "100.127.255.255",
                                 "127.0.0.1",
                                 "127.255.0.1",
                                 "169.254.169.254",
                                 "168.63.129.16",
                                 "64:ff9b::a83f:8110",
                                 "172.16.0.1",
                                 "172.31.255.255",
                                 "192.168.1.1",
                                 "198.18.0.1",
                                 "224.0.0.1",
                                 "240.0.0.1",
                                 "192.0.0.1",
                                 "255.255.255.255",
                                 "::",
                                 "::1",
                                 "::7f00:1",
                                 "::ffff:10.0.0.1",
                                 "::ffff:8.8.8.8",
                                 "64:ff9b::a00:1",
                                 "64:ff9b:1::1",
                                 "2002:a00:1::1",
                                 "2002:7f00:1::",
                                 "2001::1",
                                 "fc00::1",
                                 "fdff::1",
                                 "fe80::1",
                                 "febf::1",
                                 "fec0::1",
                                 "ff02::1"}) {
    CAPTURE(text);
    CHECK(Address::read(text, 1)->is_private());
  }
  for (const char* const text :
       {"8.8.8.8", "168.63.129.15", "168.63.129.17", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
        "11.0.0.1", "126.0.0.1", "128.0.0.1", "198.51.100.7", "203.0.113.5", "223.255.255.255", "2001:db8::1",
        "2600::1", "64:ff9b::808:808", "2002:808:808::1"}) {
    CAPTURE(text);
    CHECK_FALSE(Address::read(text, 1)->is_private());
  }
}

TEST_CASE("an address of a plan is no loopback's, and one that a connection can have") {
  for (const char* const text : {"127.0.0.1", "127.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1",
                                 "::ffff:1.2.3.4", "fe80::1", "ff02::1"}) {
    CAPTURE(text);
    CHECK_FALSE(Address::read(text, 1)->is_allowable());
  }
  for (const char* const text : {"10.1.2.3", "169.254.169.254", "8.8.8.8", "2001:db8::1", "fd00::1"})
    CHECK(Address::read(text, 1)->is_allowable());
  for (const char* const text : {"", "10.1.2", "10.1.2.3.4", "010.1.2.3", "1", "[::1]", "::1%lo", "host", "0x7f.1"})
    CHECK_FALSE(Address::read(text, 1));
}

TEST_CASE("a name leads to the public addresses that it has, of both families in turns") {
  const auto address = [](const char* text) { return *Address::read(text, 80); };
  const auto found = usable({address("2600::1"), address("2600::2"), address("10.0.0.1"), address("8.8.8.8"),
                             address("9.9.9.9"), address("::1"), address("2600::9")},
                            {address("2600::9").at(0)}, {});
  std::vector<std::string> texts;
  for (const Address& one : found.addresses) texts.push_back(one.text());
  CHECK(texts == std::vector<std::string>{"2600::1", "8.8.8.8", "2600::2", "9.9.9.9"});
  REQUIRE(found.refused);
  CHECK(found.refused->text() == "10.0.0.1");
  CHECK_FALSE(usable({address("8.8.8.8")}, {}, {}).refused);
  CHECK(usable({address("64:ff9b::909:909"), address("2002:909:909::1")}, {address("9.9.9.9")}, {}).addresses.empty());
  const auto many = usable(std::vector<Address>(40, address("8.8.8.8")), {}, {});
  CHECK(many.addresses.size() == 8);
}

TEST_CASE("a name leads to a private address that is an entry, at the port of that entry alone") {
  const auto address = [](const char* text) { return *Address::read(text, 80); };
  const std::vector<Address> found{address("10.0.0.1"), address("10.0.0.2")};
  const auto at_port = usable(found, found, {address("10.0.0.2")});
  REQUIRE(at_port.addresses.size() == 1);
  CHECK(at_port.addresses.front().text() == "10.0.0.2");
  CHECK(usable(found, {}, {address("10.0.0.2").at(81)}).addresses.empty());
}

TEST_CASE("names of a plan have addresses of their own, and the ports of wildcards that fit") {
  const AllowedNames names(network_of({{Entry::kWildcard, "b.example", 443},
                                       {Entry::kWildcard, "example", 80},
                                       {Entry::kName, "a.b.example", 22},
                                       {Entry::kName, "a.b.example", 80},
                                       {Entry::kName, "example", 22},
                                       {Entry::kAddress, "10.1.2.3", 5432},
                                       {Entry::kHost, "", 9}}),
                           NamesInIpv6::kMapped);
  REQUIRE(names.find("a.b.example") != nullptr);
  CHECK(names.find("a.b.example")->ports == std::vector<std::uint16_t>{22, 80, 443});
  CHECK(names.find("a.b.example")->inside.text() == "127.64.0.1");
  CHECK(names.find("example")->ports == std::vector<std::uint16_t>{22});
  CHECK(names.find("host")->inside.text() == "127.64.0.3");
  CHECK(names.find("10.1.2.3") == nullptr);
  CHECK(names.find("b.example") == nullptr);
  CHECK(names.wildcard_ports("b.example") == std::vector<std::uint16_t>{80});
  CHECK(names.wildcard_ports("x.b.example") == std::vector<std::uint16_t>{443, 80});
  CHECK(names.wildcard_ports("xb.example") == std::vector<std::uint16_t>{80});
  CHECK(names.wildcard_ports("xexample").empty());
  CHECK(names.wildcard_ports("example").empty());
  CHECK(names.wildcard_ports(".example").empty());
  CHECK(names.spare_sockets() == 128);
}

TEST_CASE("a name has an IPv6 address where its listeners are reached by one, and an address has none") {
  const auto texts_of = [](NamesInIpv6 how) {
    const AllowedNames names(network_of({{Entry::kName, "a.example", 22}, {Entry::kAddress, "10.1.2.3", 5432}}), how);
    std::vector<std::string> texts;
    for (const ListeningAt& one : names.listening()) texts.push_back(one.address.text());
    const auto in_ipv6 = names.in_ipv6(names.find("a.example")->inside);
    texts.push_back(in_ipv6 ? in_ipv6->text() : "none");
    return texts;
  };
  CHECK(texts_of(NamesInIpv6::kNot) == std::vector<std::string>{"127.64.0.1", "10.1.2.3", "none"});
  CHECK(texts_of(NamesInIpv6::kMapped) == std::vector<std::string>{"127.64.0.1", "10.1.2.3", "::ffff:127.64.0.1"});
  CHECK(texts_of(NamesInIpv6::kOwn) ==
        std::vector<std::string>{"127.64.0.1", "fd6a:6169:6c00::7f40:1", "10.1.2.3", "fd6a:6169:6c00::7f40:1"});
}

TEST_CASE("the last of 256 names has no address of a wildcard's") {
  std::vector<AllowedEntry> entries;
  for (unsigned i = 0; i < 256; ++i) entries.push_back({Entry::kName, "n" + std::to_string(i), 1});
  const AllowedNames names(network_of(entries), NamesInIpv6::kNot);
  CHECK(names.listed().back().inside.text() == "127.64.1.0");
  CHECK(AllowedNames::wildcard_address(0).text() == "127.64.1.1");
  CHECK(names.confirm());
}

TEST_CASE("more listening sockets than a session has are refused, with the entry of the spec") {
  std::vector<AllowedEntry> entries;
  for (unsigned i = 0; i < 128; ++i) {
    entries.push_back({Entry::kName, "n" + std::to_string(i) + ".example", 1});
    entries.push_back({Entry::kWildcard, "example", static_cast<std::uint16_t>(1000 + i)});
  }
  const auto status = AllowedNames(network_of(entries), NamesInIpv6::kOwn).confirm();
  REQUIRE_FALSE(status);
  CHECK(status.error().detail.find("network.allow") != std::string::npos);
}

TEST_CASE("wildcards of more ports than one name can have listeners are refused") {
  std::vector<AllowedEntry> entries;
  for (unsigned i = 0; i < 192; ++i)
    entries.push_back({Entry::kWildcard, "example", static_cast<std::uint16_t>(1000 + i)});
  CHECK(AllowedNames(network_of(entries), NamesInIpv6::kOwn).confirm());
  entries.push_back({Entry::kWildcard, "example", 2000});
  const auto status = AllowedNames(network_of(entries), NamesInIpv6::kOwn).confirm();
  REQUIRE_FALSE(status);
  CHECK(status.error().detail.find("wildcards") != std::string::npos);
}

std::vector<std::byte> plan_with_network(std::uint8_t kind, std::string_view text, std::uint32_t port,
                                         std::uint32_t count = 1) {
  Packer packer;
  packer.u32(kWireVersion).string("").string("/state").string("host").u8(5).string("").u8(1).u32(count);
  for (std::uint32_t i = 0; i < count; ++i) packer.u8(kind).string(text).u32(port);
  packer.u8(0).u8(0).u8(0).u32(1).u32(2).u32(0).u32(0).u32(0).u32(0).u32(0);
  packer.u64(0).u64(0).u64(0).u64(0).u8(0).u32(0);
  return packer.bytes();
}

TEST_CASE("a network of names is read as it was packed, and nothing that TypeScript refuses") {
  const auto plan = read_plan(plan_with_network(1, "a-b.example", 65535));
  REQUIRE(plan);
  CHECK(plan->network.is_of_names());
  CHECK(plan->network.checks_tls_names);
  CHECK(plan->network.allowed.at(0).kind == Entry::kWildcard);
  CHECK(plan->network.allowed.at(0).text == "a-b.example");
  CHECK(plan->network.allowed.at(0).port == 65535);
  CHECK(read_plan(plan_with_network(2, "10.1.2.3", 1)));
  CHECK(read_plan(plan_with_network(3, "", 1)));
  CHECK(read_plan(plan_with_network(0, "a", 1, 256)));
  CHECK_FALSE(read_plan(plan_with_network(0, "a", 1, 257)));
  CHECK_FALSE(read_plan(plan_with_network(4, "a", 1)));
  CHECK_FALSE(read_plan(plan_with_network(0, "a", 0)));
  CHECK_FALSE(read_plan(plan_with_network(0, "a", 65536)));
  CHECK_FALSE(read_plan(plan_with_network(3, "a", 1)));
  for (const std::string& text :
       {std::string(), std::string("A"), std::string("a."), std::string(".a"), std::string("a..b"), std::string("a b"),
        std::string("a/b"), std::string("*.a"), std::string("\xc3\xa4"), std::string(64, 'a'),
        std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(62, 'a')}) {
    CAPTURE(text);
    CHECK_FALSE(read_plan(plan_with_network(0, text, 1)));
  }
  for (const char* const text : {"127.0.0.53", "::1", "::ffff:127.0.0.1", "0.0.0.0", "a", ""})
    CHECK_FALSE(read_plan(plan_with_network(2, text, 1)));
}

TEST_CASE("a question is read without regard to case, and each byte that no name has is seen") {
  const auto read = read_dns_query(query_of({"A-b_1", "ExAmple"}, 28));
  REQUIRE(std::holds_alternative<DnsQuery>(read));
  CHECK(std::get<DnsQuery>(read).name == "a-b_1.example");
  CHECK(std::get<DnsQuery>(read).type == 28);
  CHECK_FALSE(std::get<DnsQuery>(read).has_odd_bytes);
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    const auto odd = read_dns_query(query_of({std::string_view(&c, 1), "example"}));
    REQUIRE(std::holds_alternative<DnsQuery>(odd));
    REQUIRE(std::get<DnsQuery>(odd).has_odd_bytes == !is_plain);
    if (!is_plain) REQUIRE(std::get<DnsQuery>(odd).name == "?.example");
  }
}

TEST_CASE("names are as long as names may be, and their labels too") {
  const std::string label(63, 'a');
  CHECK(std::holds_alternative<DnsQuery>(read_dns_query(query_of({label, label, label, std::string(61, 'a')}))));
  CHECK(std::holds_alternative<DnsFault>(read_dns_query(query_of({label, label, label, std::string(62, 'a')}))));
  CHECK(std::holds_alternative<DnsFault>(read_dns_query(query_of({std::string(64, 'a')}))));
}

TEST_CASE("fuzz: no message makes the resolver answer more than fits, or with an address that it does not know") {
  std::mt19937 random(4);
  const Address known = *Address::read("127.64.0.1", 0);
  const auto find = [&](const DnsQuery& query) -> std::optional<Resolver::Found> {
    if (query.has_odd_bytes || query.name != "a.example") return std::nullopt;
    return Resolver::Found{query.type == kDnsAddressType ? std::optional(known) : std::nullopt};
  };
  const std::vector<Bytes> seeds{query_of({"a", "example"}), query_of({"a", "example"}, 1, 1), query_of({"b"}),
                                 query_of({}), Bytes{}};
  for (std::size_t i = 0; i < fuzz_cases(); ++i) {
    Bytes bytes = seeds.at(random() % seeds.size());
    for (std::size_t changes = random() % 6; changes > 0; --changes) {
      const auto byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0xc0U | random() % 16 : random());
      if (bytes.empty() || random() % 4 == 0)
        bytes.push_back(byte);
      else if (random() % 4 == 0)
        bytes.resize(random() % (bytes.size() + 1));
      else
        bytes.at(random() % bytes.size()) = byte;
    }
    const auto answer = answer_to(bytes, find);
    if (!answer) continue;
    REQUIRE(answer->bytes().size() <= DnsAnswer::kMost);
    REQUIRE(answer->bytes().size() >= 12);
    REQUIRE((answer->bytes()[2] & 0x80U) != 0);
    REQUIRE(answer->bytes()[0] == bytes.at(0));
    const bool is_answered = answer->bytes()[7] == 1;
    const auto read = read_dns_query(bytes);
    const auto* const query = std::get_if<DnsQuery>(&read);
    REQUIRE((!is_answered || (query != nullptr && query->name == "a.example" && query->type == kDnsAddressType)));
  }
}

TEST_CASE("a ClientHello is judged by its name, in pieces and records of any size") {
  const Bytes right = client_hello({server_name("A.example")});
  const Bytes other = client_hello({server_name("b.example")});
  for (const std::size_t record : {1U, 2U, 3U, 4U, 5U, 40U, 16000U}) {
    for (const std::size_t piece : {1U, 2U, 7U, 100000U}) {
      CHECK(verdict_of(records_of(right, record), "a.example", piece) == Verdict::kAllowed);
      CHECK(verdict_of(records_of(other, record), "a.example", piece) == Verdict::kRefused);
    }
  }
  CHECK(verdict_of(records_of(client_hello({}), 100), "a.example", 9) == Verdict::kAllowed);
}

TEST_CASE("a ClientHello with another name beside the right one is refused, and so is one that cannot be read") {
  const auto is_refused = [](const Bytes& message) {
    return verdict_of(records_of(message, 1000), "a.example", 1000) == Verdict::kRefused;
  };
  CHECK(is_refused(client_hello({server_name("a.example"), server_name("b.example")})));
  CHECK(is_refused(client_hello({server_name("a.example.")})));
  CHECK(is_refused(client_hello({server_name("")})));
  CHECK(is_refused(client_hello({server_name("a.example"), Bytes{0xfe, 0x0d, 0, 1, 0}})));
  CHECK(is_refused(client_hello({Bytes{0, 0, 0, 0}})));
  CHECK(is_refused(client_hello({Bytes{0, 0, 0, 2, 0, 0}})));
  CHECK(is_refused(client_hello({Bytes{0, 0, 0}})));
  Bytes longer = client_hello({server_name("a.example")});
  longer.at(3) += 1;
  longer.push_back(0);
  CHECK(is_refused(longer));
  CHECK(verdict_of(Bytes{'G', 'E', 'T'}, "a.example", 3) == Verdict::kRefused);
  CHECK(verdict_of(Bytes{22, 2}, "a.example", 2) == Verdict::kRefused);
  CHECK(verdict_of(Bytes{22, 3, 1, 0, 0}, "a.example", 5) == Verdict::kRefused);
  CHECK(verdict_of(Bytes{22, 3, 1, 0, 1, 2}, "a.example", 6) == Verdict::kRefused);
  CHECK(verdict_of(Bytes{22, 3, 1, 0, 4, 1, 1, 0, 0}, "a.example", 9) == Verdict::kRefused);
}

TEST_CASE("a ClientHello ends within its bound: records of one byte do not go on for ever") {
  Bytes message(12000, 0);
  message.at(0) = 1;
  message.at(2) = 0x2e;
  message.at(3) = 0xdc;
  CHECK(verdict_of(records_of(message, 1), "a.example", 1) == Verdict::kRefused);
}

TEST_CASE("fuzz: no bytes are let through that name another server") {
  std::mt19937 random(5);
  const Bytes seed = client_hello({Bytes{0, 43, 0, 1, 0}, server_name("z-z-z-z-z")});
  for (std::size_t i = 0; i < fuzz_cases(); ++i) {
    Bytes message = seed;
    for (std::size_t changes = random() % 3; changes > 0; --changes)
      message.at(random() % (message.size() - 9)) = static_cast<std::uint8_t>(random());
    const Bytes bytes = records_of(message, 1 + random() % 60);
    const auto whole = verdict_of(bytes, "a.example", bytes.size());
    REQUIRE(verdict_of(bytes, "a.example", 1 + random() % 9) == whole);
    if (whole != Verdict::kAllowed) continue;
    // Where the message ends before its extensions, or the extension has become another one: two changes make no name.
    const std::size_t size = 4 + (std::size_t{message.at(1)} << 16U | std::size_t{message.at(2)} << 8U | message.at(3));
    REQUIRE(size <= message.size());
    REQUIRE(judge_client_hello(std::span(message).first(size), "y-y-y-y-y") == Verdict::kAllowed);
  }
}

TEST_CASE("refused names are told at once, then counted; those beyond the bound as one") {
  RefusedNames names;
  const RefusedNames::Clock::time_point now{};
  names.add("a", outcome::kName, now);
  names.add("a", outcome::kName, now);
  names.add("a", outcome::kName, now);
  auto told = names.take(now);
  REQUIRE(told.size() == 1);
  CHECK(told.at(0).count == 1);
  told = names.take(now + std::chrono::seconds(2));
  REQUIRE(told.size() == 1);
  CHECK(told.at(0).count == 2);
  for (std::size_t i = 0; i < 2 * RefusedNames::kMost; ++i) names.add(std::to_string(i), outcome::kName, now);
  told = names.take(now, true);
  CHECK(told.size() == RefusedNames::kMost + 1);
  CHECK(std::ranges::count(told, std::string(), &NetworkEvent::name) == 2);
  CHECK(names.take(now, true).empty());
}

}  // namespace
