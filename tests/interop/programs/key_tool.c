/* Makes and shows keys, for comparison with ssh-keygen.
 *
 *     key_tool generate FILE COMMENT TYPE BITS FORMAT     writes FILE and FILE.pub; BITS 0 = as usual
 *     key_tool show FILE                                  the public line of a private key file
 *     key_tool show-public FILE                           the public line of a public key file
 *     key_tool fingerprint FILE HASH                      of a public or private key file
 *     key_tool rewrite FROM TO FORMAT                     reads a private key file and writes it again
 *     key_tool export FILE FORMAT                         the public half of a private key file
 *
 * FORMAT is openssh, pkcs8-pem or pkcs8-der. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sshio_key_format format_of(const char *name)
{
    return strcmp(name, "pkcs8-pem") == 0   ? SSHIO_FORMAT_PKCS8_PEM
           : strcmp(name, "pkcs8-der") == 0 ? SSHIO_FORMAT_PKCS8_DER
                                            : SSHIO_FORMAT_OPENSSH;
}

static int write_private(const sshio_key *key, const char *file, const char *format)
{
    return sshio_key_write_private_key(key, file, SSHIO_EXPORT(.format = format_of(format)));
}

static int generate(char **argv)
{
    char public_name[4096];
    sshio_key *key = NULL;
    snprintf(public_name, sizeof public_name, "%s.pub", argv[2]);
    int rc = sshio_generate_private_key(argv[4], SSHIO_GENERATE(.comment = argv[3], .key_size = atoi(argv[5])), &key);
    if (rc == 0)
        rc = write_private(key, argv[2], argv[6]);
    if (rc == 0)
        rc = sshio_key_write_public_key(key, public_name, SSHIO_FORMAT_OPENSSH);
    sshio_key_unref(key);
    return rc;
}

/* Takes the key over. */
static int print_public(sshio_key *key, sshio_key_format format)
{
    sshio_bytes text = { NULL, 0 };
    int rc = sshio_key_export_public_key(key, format, &text);
    if (rc == 0)
        fwrite(text.data, 1, text.len, stdout);
    sshio_bytes_free(&text);
    sshio_key_unref(key);
    return rc;
}

static int show(char **argv)
{
    sshio_key *key = NULL;
    int rc = sshio_read_private_key(argv[2], NULL, &key);
    return rc == 0 ? print_public(key, SSHIO_FORMAT_OPENSSH) : rc;
}

static int show_public(char **argv)
{
    sshio_key *key = NULL;
    int rc = sshio_read_public_key(argv[2], &key);
    return rc == 0 ? print_public(key, SSHIO_FORMAT_OPENSSH) : rc;
}

static int export_public(char **argv)
{
    sshio_key *key = NULL;
    int rc = sshio_read_private_key(argv[2], NULL, &key);
    return rc == 0 ? print_public(key, format_of(argv[3])) : rc;
}

static int fingerprint(char **argv)
{
    sshio_key *key = NULL;
    char *text = NULL;
    int rc = sshio_read_public_key(argv[2], &key);
    if (rc == 0)
        rc = sshio_key_get_fingerprint(key, argv[3], &text);
    if (rc == 0)
        puts(text);
    sshio_free(text);
    sshio_key_unref(key);
    return rc;
}

static int rewrite(char **argv)
{
    sshio_key *key = NULL;
    int rc = sshio_read_private_key(argv[2], NULL, &key);
    if (rc == 0)
        rc = write_private(key, argv[3], argv[4]);
    sshio_key_unref(key);
    return rc;
}

static const struct {
    const char *name;
    int words;
    int (*run)(char **argv);
} commands[] = {
    { "generate", 7, generate },       { "show", 3, show },       { "show-public", 3, show_public },
    { "fingerprint", 4, fingerprint }, { "rewrite", 5, rewrite }, { "export", 4, export_public },
};

struct call {
    int (*run)(char **argv);
    char **argv;
};

static int run(void *arg)
{
    struct call *call = arg;
    return call->run(call->argv) == 0 ? 0 : sshio_report(call->argv[1]);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct call call = { commands[i].run, argv };
        if (argc == commands[i].words && strcmp(argv[1], commands[i].name) == 0)
            return sshio_main(run, &call) == 0 ? 0 : 1;
    }
    return 2;
}
