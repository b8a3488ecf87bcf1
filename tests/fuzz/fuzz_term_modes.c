/* The mode string of a terminal: what was read has each op once, is written again, and reads the same. */
#include "fuzz.h"

#include "base/memory.h"
#include "conn/terminal.h"

static size_t count_modes(const sshio_term_mode *modes)
{
    bool seen[256] = { false };
    size_t count = 0;
    for (; modes[count].op != 0; count++) {
        must(modes[count].op < 160 && !seen[modes[count].op]);
        seen[modes[count].op] = true;
    }
    return count;
}

static void write_and_read(const sshio_term_mode *modes, size_t count)
{
    sshio_term_mode *back = NULL;
    struct writer w;
    struct reader r;
    writer_init(&w, 1024);
    put_term_modes(&w, modes);
    if (!writer_failed(&w)) {
        reader_init(&r, w.data, w.len);
        struct span text = read_string(&r);
        must(reader_done(&r) && text.len == 5 * count + 1);
        if (term_modes_from(text, &back) == 0) {
            must(count_modes(back) == count);
            for (size_t i = 0; i < count; i++)
                must(back[i].op == modes[i].op && back[i].value == modes[i].value);
        }
        mem_free(back);
    }
    writer_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sshio_term_mode *modes = NULL;
    if (term_modes_from(SPAN(data, size), &modes) != 0)
        return 0;
    write_and_read(modes, count_modes(modes));
    mem_free(modes);
    return 0;
}
