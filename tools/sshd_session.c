/* sshio sshd: commands, shells, subsystems and forwarded connections. */
#include <string.h>

#include "session_env.h"
#include "sshd.h"
#include "talk.h"

#define INTERNAL_SFTP "internal-sftp"
#define SFTP "sftp"

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

static bool is_internal(const char *command)
{
    size_t len = strlen(INTERNAL_SFTP);
    return command != NULL && strncmp(command, INTERNAL_SFTP, len) == 0 &&
           (command[len] == '\0' || command[len] == ' ');
}

/* Only "sftp" can be served here, and without any Subsystem it is: programs that copy files take it for granted. */
bool session_prepare(struct service *service)
{
    const char *const *served = sshio_config_get(service->config, "Subsystem");
    const char *command = served != NULL ? subsystem_command(service, SFTP) : INTERNAL_SFTP;

    for (size_t i = 0; served != NULL && served[i] != NULL; i++) {
        const char *space = strchr(served[i], ' ');
        if (space == NULL || !is_internal(space + 1) || space + 1 == command)
            continue;
        say("Subsystem %s: " INTERNAL_SFTP " serves the subsystem " SFTP " alone", served[i]);
        return false;
    }
    service->forced = options_text(service->config, "ForceCommand", NULL);
    if (service->forced != NULL)
        command = service->forced;
    service->serves_sftp = is_internal(command);
    if (!root_prepare(service))
        return false;
    return !service->serves_sftp || sftp_arguments_take_line(&service->sftp, command, &service->server->account);
}

/* In the home directory, as its own program would be; below a root, if that has one. */
int session_serve_sftp(sshio_chan *chan, sshio_request *req, void *user)
{
    const struct client *client = user;
    const struct service *service = client->service;
    sshio_sftp_server_options options;

    (void)chan;
    if (!service->serves_sftp)
        return SSHIO_REFUSE;
    sshio_sftp_server_options_init(&options);
    sftp_arguments_apply(&service->sftp, &options);
    options.umask = service->sftp.mask;
    options.chroot = service->root;
    options.start_dir = service->sftp.start_path != NULL ? service->sftp.start_path : root_home(service);
    return sshio_answer_sftp_server(req, &options);
}

/* What runs. The command that is forced, that of a subsystem, or NULL = what the client asked for. */
struct plan {
    const char *command;
    const char *original; /* what was asked for, where another command is forced */
};

static int exec_shell(const struct service *service, sshio_process *process, const struct plan *plan)
{
    const struct account *account = &service->server->account;
    const char *const argv[] = { account->shell, "-c", plan->command, NULL };
    char **env = session_env_new(account, process, plan->original, sshio_config_get(service->config, "AcceptEnv"));

    if (env == NULL)
        return sshio_raise(SSHIO_ENOMEM, NULL);
    sshio_exec_options arguments;
    sshio_exec_options_init(&arguments);
    arguments.file = account->shell;
    arguments.argv = plan->command != NULL ? argv : NULL;
    arguments.env = (const char *const *)env;
    arguments.root = service->root;
    arguments.cwd = root_home(service);
    int rc = sshio_process_exec(process, &arguments);
    session_env_free(env);
    return rc;
}

/* False = nothing runs, and the client was told why. */
static bool make_plan(const struct service *service, sshio_process *process, struct plan *plan)
{
    const char *subsystem = sshio_process_subsystem(process);
    const char *refusal = root_refusal(service);

    plan->command = subsystem != NULL ? subsystem_command(service, subsystem) : NULL;
    if (subsystem != NULL && plan->command == NULL) {
        sshio_printf(sshio_process_stderr(process), "subsystem %s is not served here\n", subsystem);
        return false;
    }
    if (is_internal(service->forced)) {
        sshio_printf(sshio_process_stdout(process), "This service allows sftp connections only.\n");
        return false;
    }
    if (refusal != NULL) {
        say("ChrootDirectory %s: %s", service->root, refusal);
        sshio_printf(sshio_process_stderr(process), "programs are not run here\n");
        return false;
    }
    if (service->forced != NULL) {
        plan->original = subsystem != NULL ? plan->command : sshio_process_command(process);
        plan->command = service->forced;
    }
    return true;
}

static void handle(const struct service *service, sshio_process *process)
{
    struct plan plan = { 0 };

    if (!make_plan(service, process, &plan)) {
        sshio_process_exit(process, 1);
        return;
    }
    int rc = exec_shell(service, process, &plan);
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
