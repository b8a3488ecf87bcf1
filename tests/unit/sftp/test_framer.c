/* SFTP packets in a stream of bytes. (draft-ietf-secsh-filexfer-13 section 4) */
#include "unit.h"

#include "base/memory.h"
#include "sftp/framer.h"
#include "sftp/messages.h"

#define STATUS_PACKET "\0\0\0\x11\x65\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0"
#define DATA_PACKET "\0\0\0\x0f\x67\0\0\0\x2a\0\0\0\5hello\1"

static void start(struct framer *f, struct error *e, bool client)
{
    error_init(e);
    framer_init(f, client, &framer_heap, NULL);
}

/* Feeds pieces of the given size until a packet is complete; how many bytes it took. */
static size_t feed_until_packet(struct framer *f, const void *bytes, size_t len, size_t piece, uint8_t *place)
{
    struct error e;
    size_t used = 0;
    int rc = FRAMER_MORE;
    error_init(&e);
    while (rc != FRAMER_PACKET && used < len) {
        struct span part = SPAN((const uint8_t *)bytes + used, piece < len - used ? piece : len - used);
        size_t size = part.len;
        do {
            rc = framer_feed(f, &part, &e);
            assert_true(rc >= 0);
            if (rc == FRAMER_DATA)
                framer_place(f, place);
        } while (rc == FRAMER_DATA);
        used += size - part.len;
    }
    assert_int_equal(rc, FRAMER_PACKET);
    return used;
}

static void test_a_packet_comes_out_whole_whatever_the_pieces(void **state)
{
    static const char two[] = STATUS_PACKET STATUS_PACKET;
    (void)state;
    for (size_t piece = 1; piece < sizeof two; piece++) {
        struct framer f;
        struct error e;
        start(&f, &e, true);
        size_t used = feed_until_packet(&f, two, sizeof two - 1, piece, NULL);
        assert_int_equal(used, sizeof(STATUS_PACKET) - 1);
        assert_bytes(framer_packet(&f), STATUS_PACKET + 4, sizeof(STATUS_PACKET) - 5);
        assert_false(framer_is_inside(&f));
        assert_int_equal(feed_until_packet(&f, two + used, sizeof two - 1 - used, piece, NULL), used);
        assert_bytes(framer_packet(&f), STATUS_PACKET + 4, sizeof(STATUS_PACKET) - 5);
        framer_done(&f);
    }
}

static void test_a_packet_that_lies_whole_is_not_copied(void **state)
{
    struct framer f;
    struct error e;
    struct span bytes = SPAN(STATUS_PACKET, sizeof(STATUS_PACKET) - 1);
    const uint8_t *first = bytes.data;
    size_t capacity;
    (void)state;
    start(&f, &e, true);
    uint64_t before = mem_allocations();
    assert_int_equal(framer_feed(&f, &bytes, &e), FRAMER_PACKET);
    assert_ptr_equal(framer_packet(&f).data, first + 4);
    assert_int_equal(mem_allocations(), before);
    assert_null(framer_take(&f, &capacity));
    framer_done(&f);
}

/* The data goes to where it is wanted, and what stands around it is handed out without it. */
static void test_data_is_put_where_the_owner_wants_it(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof(DATA_PACKET); piece++) {
        uint8_t place[5] = { 0 };
        struct framer f;
        struct error e;
        start(&f, &e, true);
        feed_until_packet(&f, DATA_PACKET, sizeof(DATA_PACKET) - 1, piece, place);
        assert_int_equal(framer_data_id(&f), 42);
        assert_int_equal(framer_data_len(&f), 5);
        assert_true(framer_was_placed(&f));
        assert_memory_equal(place, "hello", 5);
        assert_bytes(framer_packet(&f), LITERAL("\x67\0\0\0\x2a\0\0\0\5\1"));
        framer_done(&f);
    }
}

static void test_data_that_nobody_places_stays_in_the_packet(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof(DATA_PACKET); piece++) {
        struct framer f;
        struct error e;
        start(&f, &e, true);
        feed_until_packet(&f, DATA_PACKET, sizeof(DATA_PACKET) - 1, piece, NULL);
        assert_false(framer_was_placed(&f));
        assert_bytes(framer_packet(&f), DATA_PACKET + 4, sizeof(DATA_PACKET) - 5);
        framer_done(&f);
    }
}

/* Its reader finds that it is malformed; no place is asked for that the packet could not fill. */
static void test_data_longer_than_its_packet_is_not_placed(void **state)
{
    static const struct span rows[] = {
        { (const uint8_t *)"\0\0\0\x0a\x67\0\0\0\1\0\0\0\2x", 14 },
        { (const uint8_t *)"\0\0\0\x0a\x67\0\0\0\1\xff\xff\xff\xffx", 14 },
        { (const uint8_t *)"\0\0\0\x03\x67\0\0", 7 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct framer f;
        struct error e;
        struct span bytes = rows[i];
        start(&f, &e, true);
        assert_int_equal(framer_feed(&f, &bytes, &e), FRAMER_PACKET);
        assert_bytes(framer_packet(&f), rows[i].data + 4, rows[i].len - 4);
        framer_done(&f);
    }
}

static void test_lengths_out_of_range_end_the_stream(void **state)
{
    static const struct {
        bool client;
        const char *bytes;
        bool ok;
    } rows[] = {
        { false, "\0\0\0\0\1", false },      { false, "\xff\xff\xff\xff\6", false }, { false, "\0\x40\x04\1\6", false },
        { false, "\0\x40\x04\0\6", true },   { true, "\0\x40\x04\0\x67", true }, /* DATA */
        { true, "\0\x40\x04\1\x67", false }, { true, "\1\0\0\0\x68", true },     /* NAME */
        { true, "\1\0\0\1\x68", false },     { true, "\0\x10\0\0\x65", true },   /* STATUS */
        { true, "\0\x10\0\1\x65", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct framer f;
        struct error e;
        struct span bytes = SPAN(rows[i].bytes, 5);
        start(&f, &e, rows[i].client);
        assert_int_equal(framer_feed(&f, &bytes, &e), rows[i].ok ? FRAMER_MORE : SSHIO_ESFTP_BAD_MESSAGE);
        assert_true(f.capacity <= 4096); /* nothing is allocated for what was only announced */
        framer_done(&f);
        error_clear(&e);
    }
}

static void test_memory_grows_with_what_has_arrived(void **state)
{
    uint8_t piece[1000] = { 0, 0x40, 0, 0, FXP_WRITE };
    struct framer f;
    struct error e;
    (void)state;
    start(&f, &e, false);
    for (size_t fed = 0; fed < 100 * sizeof piece; fed += sizeof piece) {
        struct span bytes = SPAN(piece, sizeof piece);
        assert_int_equal(framer_feed(&f, &bytes, &e), FRAMER_MORE);
        assert_true(f.capacity <= 4096 || f.capacity <= 2 * (fed + sizeof piece));
    }
    framer_done(&f);
}

static void test_the_memory_of_a_packet_can_be_kept(void **state)
{
    struct framer f;
    struct error e;
    size_t capacity;
    (void)state;
    start(&f, &e, true);
    feed_until_packet(&f, STATUS_PACKET, sizeof(STATUS_PACKET) - 1, 7, NULL);
    const uint8_t *packet = framer_packet(&f).data;
    uint8_t *memory = framer_take(&f, &capacity);
    assert_ptr_equal(memory, packet);
    framer_done(&f);
    assert_memory_equal(memory, STATUS_PACKET + 4, sizeof(STATUS_PACKET) - 5);
    mem_free(memory);
}

static void test_without_memory_it_fails_cleanly(void **state)
{
    struct framer f;
    struct error e;
    struct span bytes = SPAN(STATUS_PACKET, 9);
    (void)state;
    start(&f, &e, true);
    mem_fail_at(1);
    assert_int_equal(framer_feed(&f, &bytes, &e), SSHIO_ENOMEM);
    framer_done(&f);
    error_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_comes_out_whole_whatever_the_pieces),
        cmocka_unit_test(test_a_packet_that_lies_whole_is_not_copied),
        cmocka_unit_test(test_data_is_put_where_the_owner_wants_it),
        cmocka_unit_test(test_data_that_nobody_places_stays_in_the_packet),
        cmocka_unit_test(test_data_longer_than_its_packet_is_not_placed),
        cmocka_unit_test(test_lengths_out_of_range_end_the_stream),
        cmocka_unit_test(test_memory_grows_with_what_has_arrived),
        cmocka_unit_test(test_the_memory_of_a_packet_can_be_kept),
        cmocka_unit_test(test_without_memory_it_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
