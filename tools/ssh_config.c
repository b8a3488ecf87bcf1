/* Where sshio ssh reads what it is to do for a host. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ssh.h"
#include "talk.h"

#define SYSTEM_CONFIG "/etc/ssh/ssh_config"

/* ---- the destination ---- */

bool login_set_destination(struct login *login, char *destination)
{
    static const char scheme[] = "ssh://";
    char *text = destination;
    bool with_port = false;

    if (strncasecmp(text, scheme, sizeof scheme - 1) == 0) {
        text += sizeof scheme - 1;
        with_port = true;
        if (text[0] != '\0' && text[strlen(text) - 1] == '/')
            text[strlen(text) - 1] = '\0';
    }
    char *at = strrchr(text, '@');
    const char *host = at != NULL ? at + 1 : text, *port = NULL;
    if (at == text || host[0] == '\0' || host[0] == '-') {
        say("no host in \"%s\"", text);
        return false;
    }
    if ((with_port || host[0] == '[') && sshio_parse_host(at != NULL ? at + 1 : text, &host, &port) != 0) {
        say("%s", sshio_error_message());
        return false;
    }
    if (port != NULL && !with_port) {
        say("%s:%s: a port goes with ssh:// or -p", host, port);
        return false;
    }
    if (at != NULL)
        *at = '\0';
    login->host = strdup(host);
    return login->host != NULL && (at == NULL || config_lines_add_value(&login->lines, "User", text)) &&
           (port == NULL || config_lines_add_value(&login->lines, "Port", port));
}

/* ---- files ---- */

/* The files to read: one that was named must be there, the usual ones may be. The user's own must be nobody else's to
 * write, as it can name commands to run. */
static bool list_files(const struct login *login, char *own, const char **files)
{
    const char *reason = NULL;
    size_t count = 0;

    if (login->config_file != NULL) {
        if (strcmp(login->config_file, "none") != 0)
            files[count++] = login->config_file;
        return true;
    }
    if (own == NULL)
        return false;
    if (file_is_trusted(own, &reason))
        files[count++] = own;
    else if (reason != NULL) {
        say("Bad owner or permissions on %s: %s", own, reason);
        return false;
    }
    if (access(SYSTEM_CONFIG, R_OK) == 0)
        files[count++] = SYSTEM_CONFIG;
    return true;
}

bool login_load_config(struct login *login)
{
    const char *files[3] = { NULL };
    char *own = path_expand(login->account, "~/.ssh/config");
    const sshio_source source = { .files = files, .data = { login->lines.text, login->lines.len } };
    bool listed = list_files(login, own, files);
    int rc = 0;

    if (listed)
        rc = sshio_load_client_config(&source, SSHIO_QUERY(.host = login->host, .strict = true), &login->config);
    free(own);
    if (rc != 0)
        options_explain_config();
    return listed && rc == 0;
}

bool login_configure(struct login *login, const struct account *account, const char *config_file)
{
    login->account = account;
    login->config_file = config_file;
    return login_load_config(login);
}
