/* known_hosts: any text is parsed, and what was made of it is asked about hosts with and without ports. */
#include "fuzz.h"

#include "base/texts.h"
#include "config/known_hosts.h"
#include "key/key.h"

static const char key_text[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4em8Vp1M80HpHsOYtm2o4xxqfbsDE7pYh3KkhySDZr";

static const struct host_query queries[] = {
    { "host.example", "192.0.2.1", 22 },
    { "host.example", NULL, 2222 },
    { "2001:db8::1", "2001:db8::1", 65535 },
    { "", "", 0 },
};

static void ask(const sshio_known_hosts *hosts, const sshio_key *key)
{
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct texts types = { 0 };
        struct host_place place;
        sshio_host_status status = known_hosts_match(hosts, &queries[i], key, &place);
        must((status == SSHIO_HOST_UNKNOWN) == (place.line == 0));
        known_hosts_types(hosts, &queries[i], &types);
        must(status != SSHIO_HOST_OK || texts_has(&types, "ssh-ed25519"));
        texts_done(&types);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sshio_known_hosts *hosts = known_hosts_new();
    sshio_key *key = NULL;

    if (hosts != NULL && key_from_public_text(span_of(key_text), &key, NULL) == 0 &&
        known_hosts_parse(hosts, SPAN(data, size), NULL, NULL) == 0)
        ask(hosts, key);
    sshio_key_unref(key);
    known_hosts_unref(hosts);
    return 0;
}
