/* Attributes written and read in tests, where neither may fail. */
#ifndef TESTS_ATTRS_BED_H
#define TESTS_ATTRS_BED_H

#include "unit.h"

#include "sftp/attrs.h"

#define ATTR(name) SSHIO_FILEXFER_ATTR_##name

static inline size_t write_attrs(uint8_t *bytes, size_t size, const struct dialect *d, const sshio_sftp_attrs *attrs)
{
    struct writer w;
    struct error e;
    error_init(&e);
    writer_init_fixed(&w, bytes, size);
    assert_int_equal(attrs_put(&w, d, attrs, &e), 0);
    assert_false(writer_failed(&w));
    return w.len;
}

static inline sshio_sftp_attrs *read_back(const void *bytes, size_t len, const struct dialect *d)
{
    struct attrs_wire wire;
    struct reader r;
    struct error e;
    error_init(&e);
    reader_init(&r, bytes, len);
    assert_int_equal(attrs_read(&r, d, &wire, &e), 0);
    assert_true(reader_done(&r));
    sshio_sftp_attrs *attrs = attrs_new(&wire);
    assert_non_null(attrs);
    return attrs;
}

#endif
