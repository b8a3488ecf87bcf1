/* The keys that known hosts have for a host, as objects; see known_hosts.h. */
#include "base/memory.h"
#include "config/known_hosts_entry.h"
#include "key/key.h"

#define MARKERS (MARKER_REVOKED + 1)

struct key_list {
    sshio_keyref *items; /* ends with an empty one */
    size_t count;
};

struct collection {
    struct key_list lists[MARKERS];
    int rc;
    struct error *e;
};

static bool append(struct key_list *list, sshio_key *key)
{
    sshio_keyref *items = mem_grow(list->items, (list->count + 2) * sizeof *items);

    if (items == NULL)
        return false;
    items[list->count++] = (sshio_keyref){ .key = key };
    items[list->count] = (sshio_keyref){ .key = NULL };
    list->items = items;
    return true;
}

/* Keys of types that are not known here are passed over. */
static void collect(void *user, const struct host_entry *entry)
{
    struct collection *c = user;
    sshio_key *key = NULL;
    int rc = c->rc != 0 ? c->rc : key_from_public_blob(SPAN(entry->blob, entry->blob_len), &key, NULL);

    if (rc == 0 && !append(&c->lists[entry->marker], key)) {
        sshio_key_unref(key);
        rc = SSHIO_ENOMEM;
    }
    if (rc == SSHIO_ENOMEM)
        c->rc = error_nomem(c->e);
}

static void walk(struct collection *c, const sshio_known_hosts *hosts, const struct host_query *query, int port)
{
    if (!known_hosts_walk(hosts, query, port, collect, c) && c->rc == 0)
        c->rc = error_nomem(c->e);
}

static void free_list(const sshio_keyref *items)
{
    for (size_t i = 0; items != NULL && items[i].key != NULL; i++)
        sshio_key_unref(items[i].key);
    mem_free((sshio_keyref *)items);
}

/* Lists that are empty have their end nevertheless. */
static sshio_host_keys *make_result(struct collection *c)
{
    sshio_host_keys *keys = mem_zalloc(sizeof *keys);

    for (int i = 0; keys != NULL && i < MARKERS; i++)
        if (c->lists[i].items == NULL && (c->lists[i].items = mem_zalloc(sizeof(sshio_keyref))) == NULL) {
            mem_free(keys);
            return NULL;
        }
    if (keys != NULL)
        *keys = (sshio_host_keys){
            .size = sizeof *keys,
            .trusted_host_keys = c->lists[MARKER_NONE].items,
            .trusted_ca_keys = c->lists[MARKER_CERT_AUTHORITY].items,
            .revoked_keys = c->lists[MARKER_REVOKED].items,
        };
    return keys;
}

int known_hosts_keys(const sshio_known_hosts *hosts, const struct host_query *query, sshio_host_keys **keys,
                     struct error *e)
{
    struct collection c = { .e = e };
    sshio_host_keys *made = NULL;

    walk(&c, hosts, query, query->port);
    bool nothing = c.lists[MARKER_NONE].count == 0 && c.lists[MARKER_CERT_AUTHORITY].count == 0;
    if (nothing && !known_hosts_is_default_port(query->port))
        walk(&c, hosts, query, 0);
    if (c.rc == 0 && (made = make_result(&c)) == NULL)
        c.rc = error_nomem(e);
    if (c.rc == 0)
        *keys = made;
    else
        for (int i = 0; i < MARKERS; i++)
            free_list(c.lists[i].items);
    return c.rc;
}

void known_hosts_keys_free(sshio_host_keys *keys)
{
    if (keys == NULL)
        return;
    free_list(keys->trusted_host_keys);
    free_list(keys->trusted_ca_keys);
    free_list(keys->revoked_keys);
    mem_free(keys);
}
