/* The table of extensions; see extensions.h. */
#include "sftp/extensions.h"

#include <sshio/base.h>

#define EXTENSION_ROW(name, wire, data) { wire, data },
static const struct {
    const char *name;
    const char *data;
} rows[] = { SFTP_EXTENSIONS(EXTENSION_ROW) };

const char *extension_name(enum sftp_extension extension)
{
    return rows[extension].name;
}

enum sftp_extension extension_find(struct span name)
{
    unsigned i = 0;
    while (i < EXT_COUNT && !span_is(name, rows[i].name))
        i++;
    return (enum sftp_extension)i;
}

bool extension_is_announced(enum sftp_extension extension, struct span data)
{
    return span_is(data, rows[extension].data);
}

void extension_put(struct writer *w, enum sftp_extension extension)
{
    put_text(w, rows[extension].name);
    put_text(w, rows[extension].data);
}

bool extension_pair_read(struct reader *r, struct span *name, struct span *data)
{
    if (reader_left(r) == 0 || reader_failed(r))
        return false;
    *name = read_string(r);
    *data = read_string(r);
    return !reader_failed(r);
}

/* ---- supported and supported2 ---- */

static uint32_t count_names(struct span names)
{
    struct reader r;
    uint32_t count = 0;
    reader_init(&r, names.data, names.len);
    for (; reader_left(&r) != 0 && !reader_failed(&r); count++)
        read_string(&r);
    return count;
}

static void put_counted(struct writer *w, struct span names)
{
    put_u32(w, count_names(names));
    put_bytes(w, names.data, names.len);
}

static void put_u16(struct writer *w, uint32_t value)
{
    put_u8(w, (uint8_t)(value >> 8));
    put_u8(w, (uint8_t)value);
}

void supported_put(struct writer *w, int version, const struct supported *s)
{
    put_text(w, version >= 6 ? EXT_SUPPORTED2 : EXT_SUPPORTED);
    size_t mark = put_open(w);
    put_u32(w, s->attr_mask);
    put_u32(w, s->attr_bits);
    put_u32(w, s->open_flags);
    put_u32(w, s->access_mask);
    put_u32(w, s->max_read_len);
    if (version >= 6) {
        put_u16(w, s->open_blocks);
        put_u16(w, s->blocks);
        put_counted(w, s->attr_names);
        put_counted(w, s->names);
    } else {
        put_bytes(w, s->names.data, s->names.len);
    }
    put_close(w, mark);
}

static struct span read_names(struct reader *r, uint32_t count)
{
    const uint8_t *start = r->at;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        read_string(r);
    return SPAN(start, (size_t)(r->at - start));
}

static uint32_t read_u16(struct reader *r)
{
    uint32_t high = read_u8(r);
    return high << 8 | read_u8(r);
}

bool supported_read(struct span data, int version, struct supported *s)
{
    struct reader r;
    reader_init(&r, data.data, data.len);
    *s = (struct supported){ .attr_mask = read_u32(&r) };
    s->attr_bits = read_u32(&r);
    s->open_flags = read_u32(&r);
    s->access_mask = read_u32(&r);
    s->max_read_len = read_u32(&r);
    if (version >= 6) {
        s->open_blocks = read_u16(&r);
        s->blocks = read_u16(&r);
        s->attr_names = read_names(&r, read_u32(&r));
        s->names = read_names(&r, read_u32(&r));
    } else {
        struct reader names = r;
        s->names = read_rest(&r);
        while (reader_left(&names) != 0 && !reader_failed(&names))
            read_string(&names);
        return !reader_failed(&names) && reader_done(&r);
    }
    return reader_done(&r);
}

/* ---- vendor-id ---- */

void vendor_put(struct writer *w)
{
    put_text(w, EXT_VENDOR_ID);
    size_t mark = put_open(w);
    put_text(w, "sshio");
    put_text(w, "sshio");
    put_text(w, sshio_version());
    put_u64(w, 0);
    put_close(w, mark);
}

bool vendor_read(struct span data, struct vendor *vendor)
{
    struct reader r;
    reader_init(&r, data.data, data.len);
    *vendor = (struct vendor){ .vendor_name = read_string(&r) };
    vendor->product_name = read_string(&r);
    vendor->product_version = read_string(&r);
    vendor->build = read_u64(&r);
    return reader_done(&r);
}
