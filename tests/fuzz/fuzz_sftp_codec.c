/* The fields of SFTP, in each version: what was read is written, and reads the same. The first byte says what the rest
 * is. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "sftp/attrs.h"
#include "sftp/extensions.h"
#include "sftp/framer.h"
#include "sftp/status.h"

enum { OUTPUT_MAX = 1 << 20 };

static void write_attrs(const sshio_sftp_attrs *attrs, const struct dialect *d, struct writer *w)
{
    struct error e;
    error_init(&e);
    writer_init(w, OUTPUT_MAX);
    must(attrs_put(w, d, attrs, &e) == 0);
}

static void check_attrs(struct reader *r, const struct dialect *d)
{
    struct attrs_wire wire, again;
    struct writer first, second;
    struct error e;
    error_init(&e);
    if (attrs_read(r, d, &wire, &e) != 0) {
        error_clear(&e);
        return;
    }
    sshio_sftp_attrs *attrs = attrs_new(&wire);
    write_attrs(attrs, d, &first);
    struct reader back;
    reader_init(&back, first.data, first.len);
    must(attrs_read(&back, d, &again, &e) == 0 && reader_done(&back));
    sshio_sftp_attrs *copy = attrs_new(&again);
    write_attrs(copy, d, &second);
    must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    writer_done(&first);
    writer_done(&second);
    sshio_sftp_attrs_free(attrs);
    sshio_sftp_attrs_free(copy);
}

static void check_status(struct reader *r, int version)
{
    struct status status;
    struct error e;
    error_init(&e);
    if (status_read(r, version, false, &status, &e) == 0)
        must((status_record(&status, &e) == 0) == (status.code == SSHIO_FX_OK));
    error_clear(&e);
}

static void check_extensions(struct reader *r, int version)
{
    struct span name, data;
    struct supported supported;
    struct vendor vendor;
    while (extension_pair_read(r, &name, &data)) {
        must(extension_find(name) <= EXT_COUNT);
        supported_read(data, version, &supported);
        vendor_read(data, &vendor);
    }
}

/* Packets come out the same whether the bytes come at once or one by one. */
static size_t count_packets(struct span bytes, size_t piece, size_t *octets)
{
    struct framer f;
    struct error e;
    size_t packets = 0;
    int rc = 0;
    error_init(&e);
    framer_init(&f, true, &framer_heap, NULL);
    *octets = 0;
    while (bytes.len != 0 && rc >= 0) {
        struct span part = SPAN(bytes.data, piece < bytes.len ? piece : bytes.len);
        bytes = SPAN(bytes.data + part.len, bytes.len - part.len);
        while ((rc = framer_feed(&f, &part, &e)) > 0) {
            if (rc == FRAMER_DATA) {
                framer_place(&f, NULL);
                continue;
            }
            packets++;
            *octets += framer_packet(&f).len;
        }
    }
    framer_done(&f);
    error_clear(&e);
    return packets;
}

static void check_framer(struct reader *r)
{
    struct span bytes = read_rest(r);
    size_t whole, single;
    must(count_packets(bytes, SIZE_MAX, &whole) == count_packets(bytes, 1, &single));
    must(whole == single);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r;
    reader_init(&r, data, size);
    uint8_t what = read_u8(&r);
    const struct dialect d = { .version = 3 + (what & 3), .server = true, .bits_pair = (what & 4) != 0 };
    switch (what >> 3 & 3) {
    case 0:
        check_attrs(&r, &d);
        break;
    case 1:
        check_status(&r, d.version);
        break;
    case 2:
        check_extensions(&r, d.version);
        break;
    default:
        check_framer(&r);
    }
    return 0;
}
