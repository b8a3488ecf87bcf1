/* Open files and directories of a session. A handle is a number that the client gives back, of four octets; it says
 * nothing but which slot to look at, and numbers are not used again soon. See server.h. */
#include <sys/resource.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/server.h"

#define TOKEN_LEN 4u
#define SHARE_OF_DESCRIPTORS 4u /* that one session may hold */

int handles_init(sshio_sftp_server *server)
{
    struct rlimit limit;
    server->handle_slots = limits_default.sftp_handles;
    server->handle_max = server->handle_slots;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / SHARE_OF_DESCRIPTORS < server->handle_max)
        server->handle_max = (uint32_t)(limit.rlim_cur / SHARE_OF_DESCRIPTORS);
    server->handles = mem_array(server->handle_slots, sizeof *server->handles);
    return server->handles != NULL ? 0 : fail_nomem();
}

static struct sftp_handle **slot_of(const sshio_sftp_server *server, uint32_t number)
{
    return &server->handles[number % server->handle_slots];
}

struct sftp_handle *handle_find(const sshio_sftp_server *server, struct span token)
{
    if (token.len != TOKEN_LEN)
        return NULL;
    struct sftp_handle *handle = *slot_of(server, load_u32(token.data));
    return handle != NULL && handle->number == load_u32(token.data) && !handle->hidden ? handle : NULL;
}

struct sftp_handle *handle_add(sshio_sftp_server *server)
{
    if (server->handle_count >= server->handle_max) {
        local_fail_sftp(SSHIO_FX_FAILURE, "Too many open handles");
        return NULL;
    }
    struct sftp_handle *handle = mem_zalloc(sizeof *handle);
    if (handle == NULL) {
        fail_nomem();
        return NULL;
    }
    while (*slot_of(server, server->next_handle) != NULL)
        server->next_handle++;
    handle->number = server->next_handle++;
    handle->hidden = true;
    *slot_of(server, handle->number) = handle;
    server->handle_count++;
    return handle;
}

void handle_remove(sshio_sftp_server *server, struct sftp_handle *handle)
{
    *slot_of(server, handle->number) = NULL;
    server->handle_count--;
    mem_free(handle->path);
    mem_free(handle);
}

struct local_file *sftp_server_local_file(const sshio_sftp_server *server, const void *file)
{
    LIST_EACH(node, &server->files)
    {
        struct local_file *local = LIST_ENTRY(node, struct local_file, link);
        if (local == file)
            return local;
    }
    return NULL;
}

void handles_forget(sshio_sftp_server *server, const struct local_file *file)
{
    for (uint32_t i = 0; i < server->handle_slots; i++)
        if (server->handles[i] != NULL && server->handles[i]->local == file)
            server->handles[i]->local = NULL;
}
