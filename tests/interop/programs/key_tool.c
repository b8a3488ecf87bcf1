/* Makes and shows keys, for comparison with ssh-keygen.
 *
 *     key_tool generate FILE COMMENT          writes FILE and FILE.pub
 *     key_tool show FILE                      the public line of a private key file
 *     key_tool fingerprint FILE HASH          of a public or private key file
 *     key_tool rewrite FROM TO                reads a private key file and writes it again */
#include <sshio.h>
#include <stdio.h>
#include <string.h>

static int generate(char **argv)
{
    char public_name[4096];
    sshio_key *key = NULL;
    snprintf(public_name, sizeof public_name, "%s.pub", argv[2]);
    int rc = sshio_generate_private_key("ssh-ed25519", SSHIO_GENERATE(.comment = argv[3]), &key);
    if (rc == 0)
        rc = sshio_key_write_private_key(key, argv[2], NULL);
    if (rc == 0)
        rc = sshio_key_write_public_key(key, public_name, SSHIO_FORMAT_OPENSSH);
    sshio_key_unref(key);
    return rc;
}

static int show(char **argv)
{
    sshio_key *key = NULL;
    sshio_bytes line = { NULL, 0 };
    int rc = sshio_read_private_key(argv[2], NULL, &key);
    if (rc == 0)
        rc = sshio_key_export_public_key(key, SSHIO_FORMAT_OPENSSH, &line);
    if (rc == 0)
        fputs(line.data, stdout);
    sshio_bytes_free(&line);
    sshio_key_unref(key);
    return rc;
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
        rc = sshio_key_write_private_key(key, argv[3], NULL);
    sshio_key_unref(key);
    return rc;
}

static const struct {
    const char *name;
    int words;
    int (*run)(char **argv);
} commands[] = {
    { "generate", 4, generate },
    { "show", 3, show },
    { "fingerprint", 4, fingerprint },
    { "rewrite", 4, rewrite },
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
