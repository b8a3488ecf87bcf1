/* ECDSA keys and signatures (RFC 5656): known answers, and what must be refused (A6, C4, P7). */
#include "vectors.h"

#include "base/der.h"
#include "base/memory.h"
#include "fixtures.h"

#define DATA SPAN("signed text", 11)

static struct span unhex(const char *text, uint8_t *memory)
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned int byte;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        memory[i] = (uint8_t)byte;
    }
    return SPAN(memory, len);
}

/* ---- known answers ---- */

/* The message "sample" of RFC 6979 A.2.5 to A.2.7: private number, r and s. */
static const struct {
    const char *name;
    const char *number;
    const char *r, *s;
} answers[] = {
    { .name = "ecdsa-sha2-nistp256",
      .number = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
      .r = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
      .s = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8" },
    { .name = "ecdsa-sha2-nistp384",
      .number = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
      .r = "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
      .s = "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8" },
    { .name = "ecdsa-sha2-nistp521",
      .number =
          "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8"
          "FBEC67DB89EC0C08B0E996B83538",
      .r =
          "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E845"
          "5CC91F9B15BF05EC36E377FA",
      .s =
          "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1"
          "DCCC43997F1EE0E44DA4A67A" },
};

/* PKCS#8 may leave the public point away, so that it has to be computed. */
static sshio_key *key_of_number(const struct key_type *type, struct span number)
{
    uint8_t memory[3][256];
    struct writer inner, fields, whole;
    sshio_key *key = NULL;
    writer_init_fixed(&inner, memory[0], sizeof memory[0]);
    put_der_integer(&inner, SPAN("\1", 1));
    put_der(&inner, DER_OCTET_STRING, number);
    writer_init_fixed(&fields, memory[1], sizeof memory[1]);
    put_der(&fields, DER_SEQUENCE, writer_span(&inner));
    writer_init_fixed(&inner, memory[0], sizeof memory[0]);
    put_der_integer(&inner, SPAN(NULL, 0));
    put_der(&inner, DER_SEQUENCE, type->algorithm);
    put_der(&inner, DER_OCTET_STRING, writer_span(&fields));
    writer_init_fixed(&whole, memory[2], sizeof memory[2]);
    put_der(&whole, DER_SEQUENCE, writer_span(&inner));
    assert_false(writer_failed(&whole));
    key_from_private_text(writer_span(&whole), NULL, NULL, &key, NULL);
    return key;
}

static void put_signature(struct writer *w, const char *name, struct span r, struct span s)
{
    put_text(w, name);
    size_t mark = put_open(w);
    put_mpint(w, r.data, r.len);
    put_mpint(w, s.data, s.len);
    put_close(w, mark);
}

static void test_rfc6979_signatures_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint8_t number[66], r[66], s[66];
        struct writer w;
        const struct key_type *type = key_type_find(span_of(answers[i].name));
        sshio_key *key = key_of_number(type, unhex(answers[i].number, number));
        assert_non_null(key);
        writer_init(&w, 512);
        put_signature(&w, answers[i].name, unhex(answers[i].r, r), unhex(answers[i].s, s));
        assert_true(key_verify(key, NULL, SPAN("sample", 6), writer_span(&w)));
        assert_false(key_verify(key, NULL, SPAN("simple", 6), writer_span(&w)));
        writer_done(&w);
        sshio_key_unref(key);
    }
}

/* RFC 6979 A.2.5: the public point of the number. */
static void test_public_point_is_computed(void **state)
{
    (void)state;
    uint8_t number[66], point[65];
    sshio_key *key = key_of_number(key_type_find(span_of("ecdsa-sha2-nistp256")), unhex(answers[0].number, number));
    struct reader r;
    struct span blob = key_public_blob(key);
    reader_init(&r, blob.data, blob.len);
    assert_true(span_is(read_string(&r), "ecdsa-sha2-nistp256"));
    assert_true(span_is(read_string(&r), "nistp256"));
    assert_true(span_equal(read_string(&r), unhex("0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
                                                  "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
                                                  point)));
    assert_true(reader_done(&r));
    sshio_key_unref(key);
}

#define ORDER_256 "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"
#define ORDER_256_LESS_1 "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550"

static void test_private_numbers_lie_below_the_order(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        bool good;
    } rows[] = {
        { "01", true },
        { ORDER_256_LESS_1, true },
        { "00", false },
        { ORDER_256, false },
        { "", false },
        { "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", false },
        { "010000000000000000000000000000000000000000000000000000000000000001", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t number[66];
        sshio_key *key = key_of_number(key_type_find(span_of("ecdsa-sha2-nistp256")), unhex(rows[i].number, number));
        assert_int_equal(key != NULL, rows[i].good);
        sshio_key_unref(key);
    }
}

/* ---- blobs ---- */

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define GENERATOR                                                                                                      \
    "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"                                                 \
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"

/* RFC 5656 3.1, and C1: the point is uncompressed, of the right length, and on the curve. */
static const struct {
    const char *type, *curve, *point;
    bool trailing;
    int rc;
} blobs[] = {
    { "ecdsa-sha2-nistp256", "nistp256", "04" GENERATOR, false, 0 },
    { "ecdsa-sha2-nistp256", "nistp256", "04" GENERATOR, true, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp384", "04" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp384", "nistp384", "04" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp384", "nistp256", "04" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp256\0", "04" GENERATOR, false, 0 }, /* the C string ends there */
    { "ecdsa-sha2-nistp256", "NISTP256", "04" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "", "04" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp256", "", false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp256", "00", false, SSHIO_EKEY_IMPORT }, /* infinity */
    { "ecdsa-sha2-nistp256", "nistp256", "00" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp256", "06" GENERATOR, false, SSHIO_EKEY_IMPORT }, /* hybrid */
    { "ecdsa-sha2-nistp256", "nistp256", "07" GENERATOR, false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp256", "036B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296", false,
      SSHIO_EKEY_IMPORT }, /* compressed */
    { "ecdsa-sha2-nistp256", "nistp256", "04" GENERATOR "00", false, SSHIO_EKEY_IMPORT },
    { "ecdsa-sha2-nistp256", "nistp256",
      "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
      "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F4",
      false, SSHIO_EKEY_IMPORT },                                                      /* off the curve */
    { "ecdsa-sha2-nistp256", "nistp256", "04" ZEROS ZEROS, false, SSHIO_EKEY_IMPORT }, /* nor is the origin on it */
    { "ecdsa-sha2-nistp256", "nistp256",
      "04FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"
      "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
      false, SSHIO_EKEY_IMPORT }, /* a coordinate that is not below the prime */
};

static void test_blobs_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
        uint8_t point[160], memory[256];
        struct writer w;
        sshio_key *key = NULL;
        struct span bytes = unhex(blobs[i].point, point);
        writer_init_fixed(&w, memory, sizeof memory);
        put_text(&w, blobs[i].type);
        put_text(&w, blobs[i].curve);
        put_span(&w, bytes);
        if (blobs[i].trailing)
            put_u8(&w, 0);
        assert_int_equal(key_from_public_blob(writer_span(&w), &key, NULL), blobs[i].rc);
        assert_int_equal(key != NULL, blobs[i].rc == 0);
        sshio_key_unref(key);
    }
}

/* ---- signatures ---- */

/* C4, A14: the numbers as they stand on the wire, in the classes that Wycheproof has; G stands for the good one. */
static const struct {
    const char *name;
    const char *r, *s;
    const char *behind;
} signatures[] = {
    { "zero r", "00000000", "G", "" },
    { "zero s", "G", "00000000", "" },
    { "both zero", "00000000", "00000000", "" },
    { "padded zero", "0000000100", "G", "" },
    { "r of one", "0000000101", "G", "" },
    { "s of one", "G", "0000000101", "" },
    { "negative r", "00000001FF", "G", "" },
    { "negative s", "G", "00000001FF", "" },
    { "r is the order", "0000002100" ORDER_256, "G", "" },
    { "s is the order", "G", "0000002100" ORDER_256, "" },
    { "r of more bytes than the field", "000000220100" ORDER_256, "G", "" },
    { "s of more bytes than the field", "G", "000000220100" ORDER_256, "" },
    { "bytes behind", "G", "G", "00" },
    { "a third number", "G", "G", "0000000101" },
    { "no s", "G", "", "" },
    { "nothing", "", "", "" },
    { "length beyond the end", "G", "FFFFFFFF", "" },
};

static void put_number(struct writer *w, const char *text, struct span good)
{
    uint8_t memory[64];
    struct span bytes = strcmp(text, "G") == 0 ? good : unhex(text, memory);
    put_bytes(w, bytes.data, bytes.len);
}

/* A number as it stands in a signature, with its length. */
static struct span take_number(struct reader *r)
{
    const uint8_t *start = r->at;
    read_mpint(r);
    return SPAN(start, (size_t)(r->at - start));
}

static void test_malformed_signatures_are_refused(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct writer good, w;
    struct reader outer, r;
    assert_int_equal(key_from_private_text(span_of(FIXTURE_ECDSA_256->openssh), NULL, NULL, &key, NULL), 0);
    writer_init(&good, 512);
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), DATA, &good, NULL), 0);
    reader_init(&outer, good.data, good.len);
    read_string(&outer);
    struct span inner = read_string(&outer);
    reader_init(&r, inner.data, inner.len);
    struct span first = take_number(&r), second = take_number(&r);
    assert_true(reader_done(&r));
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        writer_init(&w, 512);
        put_text(&w, "ecdsa-sha2-nistp256");
        size_t mark = put_open(&w);
        put_number(&w, signatures[i].r, first);
        put_number(&w, signatures[i].s, second);
        put_number(&w, signatures[i].behind, first);
        put_close(&w, mark);
        if (key_verify(key, NULL, DATA, writer_span(&w)))
            fail_msg("%s was taken", signatures[i].name);
        writer_done(&w);
    }
    writer_done(&good);
    sshio_key_unref(key);
}

/* RFC 4251 5: an mpint with a zero too many is another encoding of the same number, and refused. */
static void test_padded_numbers_are_refused(void **state)
{
    (void)state;
    uint8_t number[66], r[66], s[66];
    struct writer w;
    sshio_key *key = key_of_number(key_type_find(span_of("ecdsa-sha2-nistp521")), unhex(answers[2].number, number));
    writer_init(&w, 512);
    put_text(&w, "ecdsa-sha2-nistp521");
    size_t mark = put_open(&w);
    put_span(&w, unhex(answers[2].r, r)); /* right: its second byte is not below 0x80 */
    put_span(&w, unhex(answers[2].s, s)); /* wrong: its second byte is */
    put_close(&w, mark);
    assert_false(key_verify(key, NULL, SPAN("sample", 6), writer_span(&w)));
    writer_done(&w);
    sshio_key_unref(key);
}

/* A6: a key of one curve says nothing under the name of another. */
static void test_other_curves_name_is_refused(void **state)
{
    (void)state;
    sshio_key *key = NULL;
    struct writer w;
    struct error e;
    error_init(&e);
    assert_int_equal(key_from_private_text(span_of(FIXTURE_ECDSA_384->openssh), NULL, NULL, &key, NULL), 0);
    writer_init(&w, 512);
    const struct sig_alg *other = sig_alg_find(span_of("ecdsa-sha2-nistp256"));
    assert_int_equal(key_sign(key, other, DATA, &w, &e), SSHIO_EINVAL);
    assert_int_equal(w.len, 0);
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), DATA, &w, &e), 0);
    assert_false(key_verify(key, other, DATA, writer_span(&w)));
    memcpy(w.data + 4, "ecdsa-sha2-nistp256", 19);
    assert_false(key_verify(key, NULL, DATA, writer_span(&w)));
    writer_done(&w);
    error_clear(&e);
    sshio_key_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc6979_signatures_verify),           cmocka_unit_test(test_public_point_is_computed),
        cmocka_unit_test(test_private_numbers_lie_below_the_order), cmocka_unit_test(test_blobs_are_read_strictly),
        cmocka_unit_test(test_malformed_signatures_are_refused),    cmocka_unit_test(test_padded_numbers_are_refused),
        cmocka_unit_test(test_other_curves_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
