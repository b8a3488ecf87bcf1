/* Records with an owner: attributes and names, each in one piece of memory with all that it points to; see attrs.h. */
#include <string.h>

#include "base/memory.h"
#include "sftp/attrs.h"

/* ---- laying out: the struct first, then the array of pairs, then texts, so that each is aligned ---- */

static char *lay_text(char **at, struct span text)
{
    char *start = *at;
    if (text.len != 0)
        memcpy(start, text.data, text.len);
    start[text.len] = '\0';
    *at = start + text.len + 1;
    return start;
}

static size_t text_size(struct span text)
{
    return text.data != NULL ? text.len + 1 : 0;
}

static size_t array_size(const struct attrs_wire *wire)
{
    bool any = (wire->attrs.valid & SSHIO_FILEXFER_ATTR_EXTENDED) != 0;
    return any ? (2 * (size_t)wire->pair_count + 2) * sizeof(sshio_span) : 0;
}

static size_t texts_size(const struct attrs_wire *wire)
{
    return text_size(wire->owner) + text_size(wire->group) + text_size(wire->mime_type) +
           text_size(wire->untrans_name) + wire->attrs.acl.len + wire->pairs.len;
}

static sshio_span lay_bytes(char **at, struct span bytes)
{
    sshio_span span = { *at, bytes.len };
    if (bytes.len != 0)
        memcpy(*at, bytes.data, bytes.len);
    *at += bytes.len;
    return span;
}

/* From a record's own array, or else from the wire. */
static void lay_pairs(sshio_span *pairs, char **at, const struct attrs_wire *wire)
{
    const sshio_span *array = wire->attrs.extended;
    struct reader r;
    uint32_t count = 2 * wire->pair_count;
    reader_init(&r, wire->pairs.data, wire->pairs.len);
    for (uint32_t i = 0; i < count; i++)
        pairs[i] = lay_bytes(at, array != NULL ? SPAN(array[i].data, array[i].len) : read_string(&r));
    pairs[count] = pairs[count + 1] = (sshio_span){ NULL, 0 };
}

static const char *lay_optional(char **at, struct span text)
{
    return text.data != NULL ? lay_text(at, text) : NULL;
}

static void lay_attrs(sshio_sftp_attrs *attrs, char **array, char **at, const struct attrs_wire *wire)
{
    *attrs = wire->attrs;
    attrs->owner = lay_optional(at, wire->owner);
    attrs->group = lay_optional(at, wire->group);
    attrs->mime_type = lay_optional(at, wire->mime_type);
    attrs->untrans_name = lay_optional(at, wire->untrans_name);
    if ((attrs->valid & SSHIO_FILEXFER_ATTR_ACL) != 0)
        attrs->acl = lay_bytes(at, SPAN(wire->attrs.acl.data, wire->attrs.acl.len));
    attrs->extended = NULL;
    if (array_size(wire) != 0) {
        sshio_span *pairs = (sshio_span *)(void *)*array;
        lay_pairs(pairs, at, wire);
        attrs->extended = pairs;
    }
}

sshio_sftp_attrs *attrs_new(const struct attrs_wire *wire)
{
    char *memory = mem_alloc(sizeof(sshio_sftp_attrs) + array_size(wire) + texts_size(wire));
    if (memory == NULL)
        return NULL;
    sshio_sftp_attrs *attrs = (sshio_sftp_attrs *)(void *)memory;
    char *array = memory + sizeof *attrs, *at = array + array_size(wire);
    lay_attrs(attrs, &array, &at, wire);
    return attrs;
}

sshio_sftp_name *name_new(struct span filename, struct span longname, const struct attrs_wire *wire)
{
    size_t texts = filename.len + 1 + longname.len + 1 + texts_size(wire);
    char *memory = mem_alloc(sizeof(sshio_sftp_name) + array_size(wire) + texts);
    if (memory == NULL)
        return NULL;
    sshio_sftp_name *name = (sshio_sftp_name *)(void *)memory;
    char *array = memory + sizeof *name, *at = array + array_size(wire);
    name->filename = lay_text(&at, filename);
    name->longname = lay_text(&at, longname);
    lay_attrs(&name->attrs, &array, &at, wire);
    return name;
}

/* Of the pairs only how long they are together is said here. */
static void count_pairs(struct attrs_wire *wire)
{
    const sshio_span *pairs = wire->attrs.extended;
    while (pairs != NULL && pairs[2 * wire->pair_count].data != NULL) {
        wire->pairs.len += pairs[2 * wire->pair_count].len + pairs[2 * wire->pair_count + 1].len;
        wire->pair_count++;
    }
}

void attrs_to_wire(const sshio_sftp_attrs *attrs, struct attrs_wire *wire)
{
    *wire = (struct attrs_wire){ .attrs = *attrs };
    if ((attrs->valid & SSHIO_FILEXFER_ATTR_OWNERGROUP) != 0) {
        wire->owner = span_of(attrs->owner);
        wire->group = span_of(attrs->group);
    }
    if ((attrs->valid & SSHIO_FILEXFER_ATTR_MIME_TYPE) != 0)
        wire->mime_type = span_of(attrs->mime_type);
    if ((attrs->valid & SSHIO_FILEXFER_ATTR_UNTRANSLATED_NAME) != 0)
        wire->untrans_name = span_of(attrs->untrans_name);
    if ((attrs->valid & SSHIO_FILEXFER_ATTR_EXTENDED) != 0)
        count_pairs(wire);
}

void sshio_sftp_attrs_free(sshio_sftp_attrs *attrs)
{
    mem_free(attrs);
}

void sshio_sftp_name_free(sshio_sftp_name *name)
{
    mem_free(name);
}

void sshio_sftp_names_free(sshio_sftp_names *names)
{
    if (names == NULL)
        return;
    for (size_t i = 0; i < names->count; i++)
        sshio_sftp_name_free(names->items[i]);
    mem_free(names->items);
    *names = (sshio_sftp_names){ 0, NULL };
}
