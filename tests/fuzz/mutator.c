/* A mutator that knows records (owner.h): libFuzzer's own spends its time on breaking their lengths. It changes message
 * numbers, drops, repeats and swaps records, adds new ones, makes strings inside of them longer and shorter with their
 * lengths kept right, sets numbers to the values at which things turn, and splices records of another input. */
#include "mutator.h"

#include <string.h>

#include "owner.h"

#define RECORDS_MAX 512
#define HEAD_LEN 3
#define BODY_MAX_LEN 4096 /* of a record that is changed */

static const size_t prefix_len = MUTATOR_PREFIX; /* before the first record; the build says it */

struct record_list {
    struct fuzz_record records[RECORDS_MAX];
    size_t count;
};

/* ---- chance ---- */

static uint32_t state;

static size_t pick(size_t count)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % count;
}

/* Numbers that mean something, more often than others. */
static uint8_t pick_operation(void)
{
    static const uint8_t known[] = { 1,  2,  3,  4,  5,  6,  7,  20, 21, 30, 31, 50, 51, 52, 53,  60,
                                     61, 80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 192 };
    size_t kind = pick(8);
    if (kind == 0)
        return (uint8_t)pick(256);
    return kind <= 2 ? (uint8_t)(FUZZ_LOCAL + pick(56)) : known[pick(sizeof known)];
}

static uint32_t pick_number(void)
{
    static const uint32_t turns[] = { 0,       1,       2,       3,          4,          7,          8,         100,
                                      255,     256,     32768,   35000,      65535,      65536,      262144,    262145,
                                      1 << 21, 1 << 24, 1 << 30, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
    return turns[pick(sizeof turns / sizeof turns[0])];
}

/* ---- the list ---- */

static void read_list(struct record_list *list, const uint8_t *data, size_t size)
{
    struct reader r;
    reader_init(&r, data, size);
    list->count = 0;
    while (list->count < RECORDS_MAX && fuzz_next(&r, &list->records[list->count]))
        list->count++;
}

/* As many as fit. */
static size_t write_list(const struct record_list *list, uint8_t *to, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct span bytes = list->records[i].bytes;
        if (room - at < HEAD_LEN + bytes.len)
            break;
        to[at] = list->records[i].operation;
        to[at + 1] = (uint8_t)(bytes.len >> 8);
        to[at + 2] = (uint8_t)bytes.len;
        if (bytes.len > 0)
            memcpy(to + at + HEAD_LEN, bytes.data, bytes.len);
        at += HEAD_LEN + bytes.len;
    }
    return at;
}

static void insert(struct record_list *list, size_t at, struct fuzz_record record)
{
    if (list->count == RECORDS_MAX)
        list->count--;
    if (at > list->count)
        at = list->count;
    memmove(&list->records[at + 1], &list->records[at], (list->count - at) * sizeof record);
    list->records[at] = record;
    list->count++;
}

static void remove_one(struct record_list *list, size_t at)
{
    list->count--;
    memmove(&list->records[at], &list->records[at + 1], (list->count - at) * sizeof list->records[0]);
}

/* ---- inside of a record ---- */

static uint8_t body[BODY_MAX_LEN];

static size_t open_body(const struct fuzz_record *record)
{
    size_t len = record->bytes.len < BODY_MAX_LEN ? record->bytes.len : BODY_MAX_LEN;
    if (len > 0)
        memcpy(body, record->bytes.data, len);
    return len;
}

/* Where a string may begin: its length is followed by as many bytes. A long one is taken rather than an empty one. */
static bool find_string(size_t len, size_t *at)
{
    bool found = false;
    for (size_t i = 0, tries = 0; len >= 4 && tries < 32; tries++) {
        i = pick(len - 3);
        uint32_t string_len = load_u32(body + i);
        if (string_len > len - 4 - i || (found && string_len == 0))
            continue;
        *at = i;
        found = true;
        if (string_len > 0)
            break;
    }
    return found;
}

static size_t resize_string(size_t len)
{
    size_t at;
    if (!find_string(len, &at))
        return len;
    size_t old_len = load_u32(body + at);
    size_t new_len = pick(3) == 0 ? pick(old_len + 1) : old_len + 1 + pick(pick(8) == 0 ? 1100 : 16);
    size_t tail = len - at - 4 - old_len;
    if (at + 4 + new_len + tail > BODY_MAX_LEN)
        return len;
    memmove(body + at + 4 + new_len, body + at + 4 + old_len, tail);
    for (size_t i = old_len; i < new_len; i++)
        body[at + 4 + i] = (uint8_t)(pick(4) == 0 ? pick(256) : 'a' + pick(26));
    store_u32(body + at, (uint32_t)new_len);
    return at + 4 + new_len + tail;
}

static size_t set_number(size_t len)
{
    if (len >= 4)
        store_u32(body + pick(len - 3), pick_number());
    return len;
}

static void change_body(struct fuzz_record *record)
{
    size_t len = open_body(record);
    switch (pick(4)) {
    case 0:
        len = LLVMFuzzerMutate(body, len, BODY_MAX_LEN);
        break;
    case 1:
        len = set_number(len);
        break;
    default:
        len = resize_string(len);
        break;
    }
    record->bytes = SPAN(body, len);
}

/* ---- the mutations ---- */

static void mutate(struct record_list *list)
{
    if (list->count == 0) {
        insert(list, 0, (struct fuzz_record){ pick_operation(), SPAN(NULL, 0) });
        return;
    }
    size_t at = pick(list->count), other = pick(list->count);
    struct fuzz_record kept = list->records[at];
    switch (pick(8)) {
    case 0:
        list->records[at].operation = pick_operation();
        break;
    case 1:
        insert(list, other, kept);
        break;
    case 2:
        remove_one(list, at);
        break;
    case 3:
        list->records[at] = list->records[other];
        list->records[other] = kept;
        break;
    case 4:
        insert(list, at, (struct fuzz_record){ pick_operation(), SPAN(body, pick(24)) });
        break;
    default:
        change_body(&list->records[at]);
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    static struct record_list list;
    uint8_t *copy = malloc(size + 1);
    must(copy != NULL);
    memcpy(copy, data, size);
    state = seed;
    size_t prefix = prefix_len < size ? prefix_len : size;
    if (prefix > 0 && pick(16) == 0)
        data[0] = (uint8_t)pick(256);
    read_list(&list, copy + prefix, size - prefix);
    mutate(&list);
    size_t len = prefix + write_list(&list, data + prefix, max_size - prefix);
    free(copy);
    return len;
}

/* The first with some records of the second put in. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *two, size_t two_size, uint8_t *out,
                                 size_t max_size, unsigned int seed)
{
    static struct record_list first, second;
    state = seed;
    if (one_size < prefix_len || two_size < prefix_len || max_size < prefix_len)
        return 0;
    read_list(&first, one + prefix_len, one_size - prefix_len);
    read_list(&second, two + prefix_len, two_size - prefix_len);
    memcpy(out, one, prefix_len);
    size_t at = pick(first.count + 1);
    size_t from = pick(second.count + 1);
    for (size_t count = 1 + pick(4); count > 0 && from < second.count; count--)
        insert(&first, at++, second.records[from++]);
    return prefix_len + write_list(&first, out + prefix_len, max_size - prefix_len);
}
