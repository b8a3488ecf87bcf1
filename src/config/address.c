/* See address.h. inet_pton reads the numeric forms; it looks nothing up. */
#include "config/address.h"

#include <arpa/inet.h>
#include <string.h>

#define ADDRESS_TEXT_MAX 64 /* the longest IPv6 form with a zone, and some room */

static bool parse_v4(const char *text, struct address *address)
{
    if (inet_pton(AF_INET, text, address->bytes) != 1)
        return false;
    address->bits = 32;
    return true;
}

static bool is_link_local(const struct address *address)
{
    return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static void unmap_v4(struct address *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (memcmp(address->bytes, mapped, sizeof mapped) != 0)
        return;
    memmove(address->bytes, address->bytes + sizeof mapped, 4);
    memset(address->bytes + 4, 0, 12);
    address->bits = 32;
}

static bool parse_v6(char *text, struct address *address)
{
    char *zone = strchr(text, '%');
    if (zone != NULL)
        *zone++ = '\0';
    if (inet_pton(AF_INET6, text, address->bytes) != 1)
        return false;
    address->bits = 128;
    if (zone != NULL && is_link_local(address)) {
        size_t len = strlen(zone);
        if (len >= sizeof address->zone)
            return false;
        memcpy(address->zone, zone, len + 1);
    }
    unmap_v4(address);
    return true;
}

bool address_parse(struct span text, struct address *address)
{
    char copy[ADDRESS_TEXT_MAX];

    if (text.len == 0 || text.len >= sizeof copy || span_has_nul(text))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    struct address parsed = { .bits = 0 };
    if (!parse_v4(copy, &parsed) && !parse_v6(copy, &parsed))
        return false;
    *address = parsed;
    return true;
}

/* One to three decimal digits. */
static bool parse_prefix(struct span text, unsigned *prefix)
{
    unsigned value = 0;

    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *prefix = value;
    return true;
}

static unsigned bit_at(const struct address *address, unsigned index)
{
    return address->bytes[index / 8] >> (7 - index % 8) & 1;
}

static bool has_host_bits(const struct network *network)
{
    for (unsigned i = network->prefix; i < network->address.bits; i++)
        if (bit_at(&network->address, i) != 0)
            return true;
    return false;
}

bool network_parse(struct span text, struct network *network)
{
    const uint8_t *slash = text.len != 0 ? memchr(text.data, '/', text.len) : NULL;
    struct network parsed;

    if (slash == NULL) {
        if (!address_parse(text, &parsed.address))
            return false;
        parsed.prefix = parsed.address.bits;
    } else {
        size_t len = (size_t)(slash - text.data);
        struct span prefix = SPAN(slash + 1, text.len - len - 1);
        if (!address_parse(SPAN(text.data, len), &parsed.address) || !parse_prefix(prefix, &parsed.prefix) ||
            parsed.prefix > parsed.address.bits || has_host_bits(&parsed))
            return false;
    }
    *network = parsed;
    return true;
}

bool network_contains(const struct network *network, const struct address *address)
{
    if (network->address.bits != address->bits)
        return false;
    if (network->address.zone[0] != '\0' && strcmp(network->address.zone, address->zone) != 0)
        return false;
    for (unsigned i = 0; i < network->prefix; i++)
        if (bit_at(&network->address, i) != bit_at(address, i))
            return false;
    return true;
}
