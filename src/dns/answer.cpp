#include "dns/answer.hpp"

#include <algorithm>

#include "wire/dns_writer.hpp"

namespace naru::dns {
namespace {

using wire::DnsHeader;
using wire::DnsMessageView;
using wire::DnsName;
using wire::DnsQuestion;
using wire::DnsSection;
using wire::DnsWriter;
using Kind = Zone::Finding::Kind;

constexpr unsigned kMaxAliases = 16;
// From here on types are questions only: transfers of zones, mailboxes, and everything
// (RFC 8482).
constexpr DnsType kFirstMetaType{251};

DnsName name_in(const std::vector<std::uint8_t>& data, std::size_t at = 0) {
  return DnsName::read(data, at).value_or(DnsName());
}

// Of a message of which no more than its number can be read.
Message bare_refusal(const DnsHeader& asked, DnsRcode rcode) {
  DnsHeader header{.id = asked.id, .is_response = true, .opcode = asked.opcode};
  header.recursion_desired = asked.recursion_desired;
  header.rcode = static_cast<std::uint8_t>(rcode);
  Message message(DnsHeader::kSize);
  header.emit(message.data());
  return message;
}

// A response on its way: what the zones say, until there is no more to say or no room.
class Composer {
 public:
  Composer(std::span<const Zone> zones, const Request& request, bool recursion_available)
      : zones_(zones),
        question_(request.question),
        writer_(header_for(request, recursion_available), request.question, request.limit,
                request.has_edns) {}

  Message compose() {
    DnsName name = question_.name;
    DnsRcode rcode = DnsRcode::no_error;
    for (unsigned i = 0; i <= kMaxAliases; ++i) {
      const Zone* zone = zone_of(zones_, name);
      if (zone == nullptr) break;  // the alias leads to somebody else
      const auto found = zone->find(name, question_.type);
      if (found.kind == Kind::records || found.kind == Kind::alias) {
        add(DnsSection::answer, name, found.kind == Kind::alias ? DnsType::cname : question_.type,
            *found.set);
      }
      if (found.kind != Kind::alias) {
        rcode = end(*zone, found);
        break;
      }
      name = name_in(found.set->data.front());
    }
    if (is_truncated_) writer_.set_truncated();
    return writer_.finish(rcode, Request::kPayload);
  }

 private:
  DnsHeader header_for(const Request& request, bool recursion_available) const {
    DnsHeader header{.id = request.header.id, .is_response = true};
    header.recursion_desired = request.header.recursion_desired;
    header.recursion_available = recursion_available;
    const Zone* zone = zone_of(zones_, question_.name);
    header.is_authoritative =
        zone != nullptr && zone->find(question_.name, question_.type).kind != Kind::delegation;
    return header;
  }

  // What belongs to the end of the aliases.
  DnsRcode end(const Zone& zone, const Zone::Finding& found) {
    switch (found.kind) {
      case Kind::delegation:
        add(DnsSection::authority, found.cut, DnsType::ns, *found.set);
        add_glue(zone, *found.set);
        return DnsRcode::no_error;
      case Kind::no_data:
      case Kind::no_name:
        add_soa(zone);
        return found.kind == Kind::no_name ? DnsRcode::name_error : DnsRcode::no_error;
      default:
        if (question_.type == DnsType::ns) add_glue(zone, *found.set);
        return DnsRcode::no_error;
    }
  }

  void add(DnsSection section, const DnsName& name, DnsType type, const RecordSet& set) {
    for (const auto& data : set.data) {
      if (is_truncated_) return;
      is_truncated_ = !writer_.add(section, name, type, set.ttl, data);
    }
  }

  // So long a resolver may remember that there is nothing (RFC 2308 3).
  void add_soa(const Zone& zone) {
    const auto& data = zone.soa().data.front();
    const std::uint32_t ttl = std::min(zone.soa().ttl, load_be32(data.data() + data.size() - 4));
    if (is_truncated_) return;
    is_truncated_ = !writer_.add(DnsSection::authority, zone.origin(), DnsType::soa, ttl, data);
  }

  // Addresses that have no room are left out (RFC 2181 9), but not those of a referral's
  // only way on, for which TC asks again over TCP (RFC 9471).
  void add_glue(const Zone& zone, const RecordSet& servers) {
    bool has_any = false;
    bool lacks_any = false;
    for (const auto& data : servers.data) {
      const DnsName server = name_in(data);
      for (const DnsType type : {DnsType::a, DnsType::aaaa}) {
        const RecordSet* set = server.is_in(zone.origin()) ? zone.glue(server, type) : nullptr;
        for (std::size_t i = 0; set != nullptr && i < set->data.size(); ++i) {
          const bool had_room =
              writer_.add(DnsSection::additional, server, type, set->ttl, set->data[i]);
          has_any |= had_room;
          lacks_any |= !had_room;
        }
      }
    }
    is_truncated_ |= lacks_any && !has_any;
  }

  std::span<const Zone> zones_;
  const DnsQuestion& question_;
  DnsWriter writer_;
  bool is_truncated_ = false;
};

}  // namespace

std::optional<Request> Request::parse(Bytes query, Transport transport,
                                      std::optional<Message>& refusal) {
  const auto header = DnsHeader::parse(query);
  // Never to a response: two servers would talk for ever.
  if (!header || header->is_response) return std::nullopt;
  Request request{.header = *header, .question = {}};
  if (header->opcode != 0) {
    refusal = bare_refusal(*header, DnsRcode::not_implemented);
    return request;
  }
  const auto view = DnsMessageView::parse(query);
  if (!view || !view->question()) {
    refusal = bare_refusal(*header, DnsRcode::format_error);
    return request;
  }
  request.question = *view->question();
  request.has_edns = view->udp_payload() != 0;
  request.udp_payload = view->udp_payload();
  const auto offered = std::max<std::size_t>(wire::kDnsUdpClassic, view->udp_payload());
  request.limit =
      transport == Transport::tcp ? UINT16_MAX : std::min<std::size_t>(offered, kPayload);
  const DnsQuestion& question = request.question;
  if (view->edns_version() != 0) {
    refusal = request.fail(DnsRcode::bad_version);
  } else if (question.klass != wire::kDnsInternet) {
    refusal = request.fail(DnsRcode::refused);
  } else if (question.type >= kFirstMetaType && question.type <= DnsType::any) {
    refusal = request.fail(DnsRcode::not_implemented);
  }
  return request;
}

Message Request::fail(DnsRcode rcode, bool recursion_available) const {
  DnsHeader response{.id = header.id, .is_response = true};
  response.recursion_desired = header.recursion_desired;
  response.recursion_available = recursion_available;
  DnsWriter writer(response, question, limit, has_edns);
  return writer.finish(rcode, kPayload);
}

const Zone* zone_of(std::span<const Zone> zones, const DnsName& name) {
  const Zone* nearest = nullptr;
  for (const Zone& zone : zones) {
    if (!name.is_in(zone.origin())) continue;
    const bool is_nearer =
        nearest == nullptr || zone.origin().label_count() > nearest->origin().label_count();
    if (is_nearer) nearest = &zone;
  }
  return nearest;
}

Message answer_from(std::span<const Zone> zones, const Request& request, bool recursion_available) {
  if (zone_of(zones, request.question.name) == nullptr) {
    return request.fail(DnsRcode::refused, recursion_available);
  }
  return Composer(zones, request, recursion_available).compose();
}

}  // namespace naru::dns
