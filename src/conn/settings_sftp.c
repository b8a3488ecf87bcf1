/* Settings of the SFTP servers of a server, from sshio_sftp_server_options. */
#include "base/memory.h"
#include "conn/settings.h"
#include "io/last_error.h"
#include "io/options.h"

void sftp_settings_free(struct sftp_settings *sftp)
{
    if (sftp == NULL)
        return;
    mem_free(sftp->chroot);
    mem_free(sftp->start_dir);
    texts_done(&sftp->allow);
    texts_done(&sftp->deny);
    mem_free(sftp);
}

static int copy(struct sftp_settings *sftp, const sshio_sftp_server_options *options, struct error *e)
{
    sshio_sftp_server_options *o = &sftp->options;
    int rc = OPTIONS_TAKE(o, options);
    if (rc != 0) {
        error_copy(e, last_error());
        return rc;
    }
    rc = settings_text(&sftp->chroot, o->chroot, e);
    if (rc == 0)
        rc = settings_text(&sftp->start_dir, o->start_dir, e);
    if (rc == 0 && !(texts_copy(&sftp->allow, o->allow_requests) && texts_copy(&sftp->deny, o->deny_requests)))
        rc = error_nomem(e);
    o->chroot = sftp->chroot;
    o->start_dir = sftp->start_dir;
    o->allow_requests = o->allow_requests != NULL ? texts_items(&sftp->allow) : NULL;
    o->deny_requests = o->deny_requests != NULL ? texts_items(&sftp->deny) : NULL;
    if (o->handlers != NULL) {
        sftp->handlers = *o->handlers;
        o->handlers = &sftp->handlers;
    }
    return rc;
}

int settings_set_sftp(struct settings *s, const sshio_server_options *o, struct error *e)
{
    if (o->sftp_version != 0 && (o->sftp_version < SSHIO_MIN_SFTP_VERSION || o->sftp_version > SSHIO_MAX_SFTP_VERSION))
        return error_set(e, SSHIO_EINVAL, "sftp_version is %d, which must be 3 to 6", o->sftp_version);
    s->sftp_version = o->sftp_version != 0 ? o->sftp_version : SSHIO_MIN_SFTP_VERSION;
    s->sftp_factory = o->sftp_factory;
    s->allow_scp = settings_tri(o->allow_scp, false);
    if (o->sftp_server == NULL || o->sftp_factory != NULL)
        return 0;
    s->sftp_server = mem_zalloc(sizeof *s->sftp_server);
    return s->sftp_server != NULL ? copy(s->sftp_server, o->sftp_server, e) : error_nomem(e);
}
