/* sshio sshd: commands, shells, subsystems and forwarded connections. */
#include <string.h>
#include <unistd.h>

#include "session_env.h"
#include "sshd.h"
#include "talk.h"

#define INTERNAL_SFTP "internal-sftp"

/* The command of a subsystem, behind its name; NULL = it is not served. */
static const char *subsystem_command(const struct service *service, const char *name)
{
    const char *const *served = sshio_config_get(service->config, "Subsystem");
    size_t len = strlen(name);

    for (size_t i = 0; served != NULL && served[i] != NULL; i++)
        if (strncmp(served[i], name, len) == 0 && served[i][len] == ' ')
            return served[i] + len + 1;
    return NULL;
}

bool session_prepare(const struct service *service)
{
    const char *const *served = sshio_config_get(service->config, "Subsystem");

    for (size_t i = 0; served != NULL && served[i] != NULL; i++) {
        const char *command = strchr(served[i], ' ');
        if (command == NULL || strncmp(command + 1, INTERNAL_SFTP, strlen(INTERNAL_SFTP)) != 0)
            continue;
        say("Subsystem %s: " INTERNAL_SFTP " is not supported yet; name the sftp-server of another program", served[i]);
        return false;
    }
    return true;
}

/* command NULL = what the client asked for. */
static int exec_shell(const struct service *service, sshio_process *process, const char *command)
{
    const struct account *account = &service->server->account;
    const char *const argv[] = { account->shell, "-c", command, NULL };
    char **env = session_env_new(account, process, sshio_config_get(service->config, "AcceptEnv"));

    if (env == NULL)
        return sshio_raise(SSHIO_ENOMEM, NULL);
    sshio_exec_options arguments;
    sshio_exec_options_init(&arguments);
    arguments.file = account->shell;
    arguments.argv = command != NULL ? argv : NULL;
    arguments.env = (const char *const *)env;
    arguments.cwd = access(account->home, X_OK) == 0 ? account->home : "/";
    int rc = sshio_process_exec(process, &arguments);
    session_env_free(env);
    return rc;
}

static void handle(const struct service *service, sshio_process *process)
{
    const char *subsystem = sshio_process_subsystem(process);
    const char *command = subsystem != NULL ? subsystem_command(service, subsystem) : NULL;

    if (subsystem != NULL && command == NULL) {
        sshio_printf(sshio_process_stderr(process), "subsystem %s is not served here\n", subsystem);
        sshio_process_exit(process, 1);
        return;
    }
    int rc = exec_shell(service, process, command);
    if (rc == 0 || sshio_error_is(rc, SSHIO_ECANCELED))
        return;
    say("%s: %s", service->server->account.shell, sshio_error_message());
    sshio_printf(sshio_process_stderr(process), "%s cannot be started\n", service->server->account.shell);
    sshio_process_exit(process, 1);
}

void session_handle(sshio_process *process, void *user)
{
    struct client *client = client_ref(user);
    handle(client->service, process);
    client_unref(client);
}

/* "local" lets connections from here to elsewhere through, "remote" ports that are listened on here. */
int session_forward(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host, int orig_port,
                    sshio_request *req, void *user)
{
    const struct client *client = user;
    const char *allowed = options_text(client->service->config, "AllowTcpForwarding", "yes");

    (void)conn;
    (void)orig_host;
    (void)orig_port;
    (void)req;
    if (strcmp(allowed, "yes") == 0 || strcmp(allowed, "all") == 0 || strcmp(allowed, "local") == 0)
        return SSHIO_ACCEPT;
    say("a connection to %s port %d was refused, as AllowTcpForwarding is %s", dest_host, dest_port, allowed);
    return sshio_raise_channel_open(SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed", "");
}
