/* Copying with the protocol of scp (-O). Remote paths are the shell's over there, as they always were; see scp.h. */
#include <stdlib.h>

#include "scp.h"
#include "talk.h"
#include "tools.h"
#include "words.h"

/* As it is: what the other side says names itself. */
static void say_plainly(const char *message)
{
    talk_as(NULL);
    say("%s", message);
    talk_as(tool_scp.name);
}

static int item_failed(const sshio_error *error, void *user)
{
    struct scp *scp = user;

    meter_end(&scp->meter);
    say_plainly(error->message);
    scp->copying.failed = error->code;
    return 0;
}

static int progress(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    struct scp *scp = user;
    return meter_progress(srcpath, dstpath, bytes, total, &scp->meter);
}

static int copy(struct scp *scp, sshio_scp_path from, sshio_scp_path to)
{
    sshio_copy_options options;

    sshio_copy_options_init(&options);
    options.recurse = scp->recurse > 0;
    options.preserve = scp->preserve > 0;
    options.block_size = scp->copying.block_size;
    options.progress = scp->meter.shown || scp->meter.limit != 0 ? progress : NULL;
    options.error_handler = item_failed;
    options.user = scp;
    scp->copying.failed = 0;
    meter_start(&scp->meter);
    int rc = sshio_scp_paths(from, to,
                             SSHIO_SCP(.copy = &options, .path_quoting = SSHIO_SCP_QUOTE_RAW,
                                       .strict_filenames = scp->any_names > 0 ? SSHIO_NO : SSHIO_UNSET));
    meter_end(&scp->meter);
    if (rc != 0 && scp->copying.failed == 0)
        say_plainly(sshio_error_message());
    return rc == 0 && scp->copying.failed == 0 ? 0 : SCP_FAILED;
}

static sshio_scp_path remote_path_of(struct remote *remote, const struct place *place)
{
    const char *path = place->destination.path;
    const char *whole = path != NULL && path[0] != '\0' ? path : ".";

    if (remote->program != NULL)
        return (sshio_scp_path){ .path = whole, .start = remote_start_scp, .user = remote };
    return SSHIO_REMOTE(remote->conn, whole);
}

int scp_old_upload(struct scp *scp)
{
    struct remote *remote = place_connect(scp, scp->target);
    const char **paths = calloc(scp->source_count + 1, sizeof *paths);
    size_t count = 0;
    int status = SCP_FATAL;

    for (size_t i = 0; paths != NULL && i < scp->source_count; i++)
        if (!scp->sources[i].is_remote && (paths[count] = words_quote_pattern(scp->sources[i].text)) != NULL)
            count++;
    if (remote != NULL && count > 0)
        status = copy(scp, (sshio_scp_path){ .paths = paths }, remote_path_of(remote, scp->target));
    for (size_t i = 0; i < count; i++)
        free((char *)paths[i]);
    free(paths);
    return status;
}

int scp_old_download(struct scp *scp, struct place *source)
{
    struct remote *remote = place_connect(scp, source);
    return remote != NULL ? copy(scp, remote_path_of(remote, source), SSHIO_LOCAL(scp->target->text)) : SCP_FATAL;
}

int scp_old_between(struct scp *scp, struct place *source)
{
    struct remote *from = place_connect(scp, source), *to = from != NULL ? place_connect(scp, scp->target) : NULL;
    return to != NULL ? copy(scp, remote_path_of(from, source), remote_path_of(to, scp->target)) : SCP_FATAL;
}
