/* How handlers of an SFTP server answer; see server.h. */
#include "base/memory.h"
#include "conn/request.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/server.h"

int sshio_answer_attrs(sshio_request *req, const sshio_sftp_attrs *attrs)
{
    struct attrs_wire wire;
    if (attrs == NULL)
        return fail(SSHIO_EINVAL, "sshio_answer_attrs: no attributes");
    int rc = request_begin_answer(req, TAKES_ATTRS, "sshio_answer_attrs");
    if (rc != 0)
        return rc;
    attrs_to_wire(attrs, &wire);
    sshio_sftp_attrs *copy = attrs_new(&wire), **place = req->place;
    if (copy == NULL)
        return fail_nomem();
    sshio_sftp_attrs_free(*place);
    *place = copy;
    return SSHIO_ANSWERED;
}

int sshio_answer_name(sshio_request *req, const sshio_sftp_name *name)
{
    if (name == NULL || name->filename == NULL)
        return fail(SSHIO_EINVAL, "sshio_answer_name: no name");
    int rc = request_begin_answer(req, TAKES_NAMES, "sshio_answer_name");
    if (rc == 0)
        rc = listing_add(req->place, name);
    return rc != 0 ? rc : SSHIO_ANSWERED;
}

int sshio_answer_sftp_server(sshio_request *req, const sshio_sftp_server_options *options)
{
    sshio_sftp_server *server = NULL;
    int rc = request_begin_answer(req, TAKES_SFTP_SERVER, "sshio_answer_sftp_server");
    if (rc == 0)
        rc = sftp_server_new(options, &server);
    if (rc != 0)
        return rc;
    sshio_sftp_server **place = req->place;
    sftp_server_release(*place);
    *place = server;
    return SSHIO_ANSWERED;
}
