/* Terminal descriptions; see terminal.h. */
#include "conn/terminal.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"

#define OP_END 0
#define OP_MOST 159 /* from 160 on the form of the argument is not defined */

/* ---- checks ---- */

bool terminal_type_is_valid(struct span type)
{
    bool valid = type.len <= TERMINAL_TYPE_MAX_LEN;
    for (size_t i = 0; valid && i < type.len; i++)
        valid = type.data[i] >= 0x20 && type.data[i] <= 0x7e;
    return valid;
}

int terminal_check(const char *type, const sshio_term_size *size, const sshio_term_mode *modes, struct error *e)
{
    if (!terminal_type_is_valid(span_of(type)))
        return error_set(e, SSHIO_EINVAL, "term_type is not at most %u printable ASCII characters: %s",
                         TERMINAL_TYPE_MAX_LEN, type);
    if (size->width < 0 || size->height < 0 || size->pixwidth < 0 || size->pixheight < 0)
        return error_set(e, SSHIO_EINVAL, "term_size is negative: %d columns, %d rows, %d x %d pixels", size->width,
                         size->height, size->pixwidth, size->pixheight);
    for (size_t i = 0; modes != NULL && modes[i].op != OP_END; i++)
        if (modes[i].op > OP_MOST)
            return error_set(e, SSHIO_EINVAL, "term_modes: mode %u is not between 1 and %u", modes[i].op, OP_MOST);
    return 0;
}

/* ---- copies ---- */

static const sshio_term_mode no_modes[] = { { .op = OP_END } };

const sshio_term_mode *terminal_modes(const struct terminal *t)
{
    return t->modes != NULL ? t->modes : no_modes;
}

bool terminal_modes_copy(sshio_term_mode **to, const sshio_term_mode *modes)
{
    size_t count = 0;
    while (modes != NULL && modes[count].op != OP_END)
        count++;
    sshio_term_mode *copy = mem_array(count + 1, sizeof *copy);
    if (copy == NULL)
        return false;
    if (count != 0)
        memcpy(copy, modes, count * sizeof *copy);
    copy[count] = no_modes[0];
    mem_free(*to);
    *to = copy;
    return true;
}

void terminal_done(struct terminal *t)
{
    mem_free(t->type);
    mem_free(t->modes);
    *t = (struct terminal){ .type = NULL };
}

/* ---- on the wire ---- */

void put_term_size(struct writer *w, const sshio_term_size *size)
{
    put_u32(w, (uint32_t)size->width);
    put_u32(w, (uint32_t)size->height);
    put_u32(w, (uint32_t)size->pixwidth);
    put_u32(w, (uint32_t)size->pixheight);
}

static int read_dimension(struct reader *r)
{
    uint32_t value = read_u32(r);
    return value <= INT_MAX ? (int)value : INT_MAX;
}

sshio_term_size read_term_size(struct reader *r)
{
    sshio_term_size size;
    size.width = read_dimension(r);
    size.height = read_dimension(r);
    size.pixwidth = read_dimension(r);
    size.pixheight = read_dimension(r);
    return size;
}

void put_term_modes(struct writer *w, const sshio_term_mode *modes)
{
    size_t mark = put_open(w);
    for (; modes->op != OP_END; modes++) {
        put_u8(w, modes->op);
        put_u32(w, modes->value);
    }
    put_u8(w, OP_END);
    put_close(w, mark);
}

/* At most one of each op, in the order in which they first came: a peer cannot make the list long. */
static void set_mode(sshio_term_mode *modes, size_t *count, uint8_t op, uint32_t value)
{
    size_t i = 0;
    while (i < *count && modes[i].op != op)
        i++;
    modes[i] = (sshio_term_mode){ .op = op, .value = value };
    if (i == *count)
        (*count)++;
}

int term_modes_from(struct span text, sshio_term_mode **modes)
{
    sshio_term_mode found[OP_MOST + 1];
    size_t count = 0;
    struct reader r;
    reader_init(&r, text.data, text.len);
    while (reader_left(&r) != 0) {
        uint8_t op = read_u8(&r);
        if (op == OP_END || op > OP_MOST)
            break;
        uint32_t value = read_u32(&r);
        if (reader_failed(&r))
            return SSHIO_EPROTOCOL;
        set_mode(found, &count, op, value);
    }
    found[count] = no_modes[0];
    sshio_term_mode *copy = NULL;
    if (!terminal_modes_copy(&copy, found))
        return SSHIO_ENOMEM;
    *modes = copy;
    return 0;
}
