/* Public functions of keys: arguments are checked, files read and written, failures become the last
 * error. */
#include <sshio/key.h>

#include <string.h>

#include "base/memory.h"
#include "conn/sources.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/replace_file.h"
#include "io/worker.h"
#include "key/key.h"

#define PRIVATE_MODE 0600
#define PUBLIC_MODE 0644

void sshio_generate_options_init(sshio_generate_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

void sshio_import_options_init(sshio_import_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

void sshio_export_options_init(sshio_export_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* Ends a call: the error, if there is one, becomes the last error. */
static int finish(int rc, struct error *e)
{
    if (rc != 0)
        fail_with(e);
    error_clear(e);
    return rc;
}

/* Hands a text over with the NUL that follows owned bytes. */
static int take_bytes(struct writer *w, sshio_bytes *bytes, struct error *e)
{
    int rc = writer_take_bytes(w, bytes);
    return rc != 0 ? error_set(e, rc, "the result is too long or there is no memory for it") : 0;
}

/* ---- making keys ---- */

struct generation { /* of a key that takes long to make: for a worker */
    const char *alg_name;
    const sshio_generate_options *options;
    sshio_key *key;
};

static int generate(void *arg)
{
    struct generation *g = arg;
    struct error e;
    error_init(&e);
    return finish(key_generate(g->alg_name, g->options, &g->key, &e), &e);
}

int sshio_generate_private_key(const char *alg_name, const sshio_generate_options *options, sshio_key **key)
{
    sshio_generate_options known;
    struct generation g = { .alg_name = alg_name, .options = &known };

    if (alg_name == NULL || key == NULL)
        return fail(SSHIO_EINVAL, "generate_private_key: no algorithm, or no place for the key");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc == 0)
        rc = key_type_is_slow(alg_name) ? worker_run(generate, &g) : generate(&g);
    if (rc == 0)
        *key = g.key;
    else
        sshio_key_unref(g.key); /* the call was cancelled meanwhile */
    return rc;
}

int sshio_import_private_key(const void *data, size_t len, const sshio_import_options *options, sshio_key **key)
{
    sshio_import_options known;
    struct error e;

    if (key == NULL || (data == NULL && len != 0))
        return fail(SSHIO_EINVAL, "import_private_key: no text, or no place for the key");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    error_init(&e);
    return finish(key_from_private_text(SPAN(data, len), known.passphrase, NULL, key, &e), &e);
}

int sshio_import_public_key(const void *data, size_t len, sshio_key **key)
{
    struct error e;

    if (key == NULL || (data == NULL && len != 0))
        return fail(SSHIO_EINVAL, "import_public_key: no text, or no place for the key");
    error_init(&e);
    return finish(key_from_public_text(SPAN(data, len), key, &e), &e);
}

static int private_from_file(const char *path, struct span text, const sshio_import_options *options, sshio_key **key,
                             struct error *e)
{
    return key_from_private_text(text, options->passphrase, path, key, e);
}

static int public_from_file(const char *path, struct span text, const sshio_import_options *options, sshio_key **key,
                            struct error *e)
{
    sshio_key *made = NULL;
    (void)options;
    int rc = key_from_public_text(text, &made, e);
    if (rc == 0)
        rc = key_set_filename(made, path, e);
    if (rc != 0) {
        sshio_key_unref(made);
        return key_error_name_file(rc, path, e);
    }
    *key = made;
    return 0;
}

typedef int from_file_fn(const char *path, struct span text, const sshio_import_options *options, sshio_key **key,
                         struct error *e);

static int read_file(const char *filename, from_file_fn *parse, const sshio_import_options *options, sshio_key **key,
                     struct error *e)
{
    uint8_t *data = NULL;
    size_t len = 0;
    char *path = expand_home(filename);
    if (path == NULL)
        return error_nomem(e);
    int rc = worker_read_file(path, KEY_MAX_TEXT_LEN, &data, &len, e);
    if (rc == 0)
        rc = parse(path, SPAN(data, len), options, key, e);
    mem_free_secret(data, len);
    mem_free(path);
    return rc;
}

int sshio_read_private_key(const char *filename, const sshio_import_options *options, sshio_key **key)
{
    sshio_import_options known;
    struct error e;

    if (filename == NULL || key == NULL)
        return fail(SSHIO_EINVAL, "read_private_key: no file name, or no place for the key");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    error_init(&e);
    return finish(read_file(filename, private_from_file, &known, key, &e), &e);
}

int sshio_read_public_key(const char *filename, sshio_key **key)
{
    struct error e;

    if (filename == NULL || key == NULL)
        return fail(SSHIO_EINVAL, "read_public_key: no file name, or no place for the key");
    error_init(&e);
    return finish(read_file(filename, public_from_file, NULL, key, &e), &e);
}

/* ---- what a key is ---- */

int sshio_key_set_comment(sshio_key *key, const char *comment)
{
    struct error e;

    if (key == NULL)
        return fail(SSHIO_EINVAL, "key_set_comment: no key");
    error_init(&e);
    return finish(key_set_comment(key, span_of(comment), &e), &e);
}

int sshio_key_get_fingerprint(const sshio_key *key, const char *hash_name, char **text)
{
    struct error e;

    if (key == NULL || text == NULL)
        return fail(SSHIO_EINVAL, "key_get_fingerprint: no key, or no place for the text");
    error_init(&e);
    return finish(key_fingerprint(key, hash_name, text, &e), &e);
}

int sshio_key_convert_to_public(const sshio_key *key, sshio_key **public_key)
{
    struct error e;

    if (key == NULL || public_key == NULL)
        return fail(SSHIO_EINVAL, "key_convert_to_public: no key, or no place for the result");
    error_init(&e);
    return finish(key_convert_to_public(key, public_key, &e), &e);
}

/* ---- signatures ---- */

static int sign(const sshio_key *key, sshio_span data, const char *name, sshio_bytes *signature, struct error *e)
{
    struct writer w;
    const struct sig_alg *alg = name != NULL ? sig_alg_find(span_of(name)) : key_sig_alg(key, 0);
    if (alg == NULL)
        return error_set(e, SSHIO_EINVAL, "unrecognized signature algorithm \"%s\"", name != NULL ? name : "");
    writer_init(&w, KEY_MAX_TEXT_LEN);
    int rc = key_sign(key, alg, SPAN(data.data, data.len), &w, e);
    if (rc == 0)
        rc = take_bytes(&w, signature, e);
    writer_done(&w);
    return rc;
}

int sshio_key_sign(sshio_key *key, sshio_span data, const char *sig_alg, sshio_bytes *signature)
{
    struct error e;

    if (key == NULL || signature == NULL || (data.data == NULL && data.len != 0))
        return fail(SSHIO_EINVAL, "key_sign: no key, no data, or no place for the signature");
    error_init(&e);
    return finish(sign(key, data, sig_alg, signature, &e), &e);
}

/* ---- writing keys ---- */

static int put_private(const sshio_key *key, const sshio_export_options *options, struct writer *w, struct error *e)
{
    sshio_export_options known;
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0) {
        error_copy(e, last_error());
        return rc;
    }
    return key_put_private_text(key, known.format, w, e);
}

static int write_text(const struct writer *w, const char *filename, unsigned int mode, struct error *e)
{
    char *path = expand_home(filename);
    int rc = path != NULL ? replace_file(path, mode, writer_span(w), e) : error_nomem(e);
    mem_free(path);
    return rc;
}

int sshio_key_export_private_key(const sshio_key *key, const sshio_export_options *options, sshio_bytes *data)
{
    struct writer w;
    struct error e;

    if (key == NULL || data == NULL)
        return fail(SSHIO_EINVAL, "key_export_private_key: no key, or no place for the text");
    error_init(&e);
    writer_init(&w, KEY_MAX_TEXT_LEN);
    int rc = put_private(key, options, &w, &e);
    if (rc == 0)
        rc = take_bytes(&w, data, &e);
    writer_done(&w);
    return finish(rc, &e);
}

int sshio_key_export_public_key(const sshio_key *key, sshio_key_format format, sshio_bytes *data)
{
    struct writer w;
    struct error e;

    if (key == NULL || data == NULL)
        return fail(SSHIO_EINVAL, "key_export_public_key: no key, or no place for the text");
    error_init(&e);
    writer_init(&w, KEY_MAX_TEXT_LEN);
    int rc = key_put_public_text(key, format, &w, &e);
    if (rc == 0)
        rc = take_bytes(&w, data, &e);
    writer_done(&w);
    return finish(rc, &e);
}

int sshio_key_write_private_key(const sshio_key *key, const char *filename, const sshio_export_options *options)
{
    struct writer w;
    struct error e;

    if (key == NULL || filename == NULL)
        return fail(SSHIO_EINVAL, "key_write_private_key: no key, or no file name");
    error_init(&e);
    writer_init(&w, KEY_MAX_TEXT_LEN);
    int rc = put_private(key, options, &w, &e);
    if (rc == 0)
        rc = write_text(&w, filename, PRIVATE_MODE, &e);
    writer_done(&w);
    return finish(rc, &e);
}

int sshio_key_write_public_key(const sshio_key *key, const char *filename, sshio_key_format format)
{
    struct writer w;
    struct error e;

    if (key == NULL || filename == NULL)
        return fail(SSHIO_EINVAL, "key_write_public_key: no key, or no file name");
    error_init(&e);
    writer_init(&w, KEY_MAX_TEXT_LEN);
    int rc = key_put_public_text(key, format, &w, &e);
    if (rc == 0)
        rc = write_text(&w, filename, PUBLIC_MODE, &e);
    writer_done(&w);
    return finish(rc, &e);
}
