/* See auth_policy.h. */
#include "conn/auth_policy.h"

#include <string.h>

#include <sshio/base.h>

#include "base/memory.h"

#define KEYS_MAX (256u * 1024)

static const char kbdint[] = "keyboard-interactive";
static const char *const methods[] = { "publickey", "password", kbdint };

/* "keyboard-interactive:pam" is a method and a device; the device is empty when none is named. */
static void split(struct span entry, struct span *method, struct span *device)
{
    const uint8_t *colon = entry.len != 0 ? memchr(entry.data, ':', entry.len) : NULL;
    size_t len = colon != NULL ? (size_t)(colon - entry.data) : entry.len;
    *method = SPAN(entry.data, len);
    *device = colon != NULL ? SPAN(colon + 1, entry.len - len - 1) : SPAN(NULL, 0);
}

static bool is_method(struct span entry)
{
    struct span method, device;
    split(entry, &method, &device);
    if (device.len != 0 || method.len != entry.len)
        return span_is(method, kbdint) && device.len != 0;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_is(method, methods[i]))
            return true;
    return false;
}

static int check_list(const char *list, struct error *e)
{
    struct span rest = span_of(list), entry;
    if (rest.len == 0 || !name_list_is_valid(rest))
        return error_set(e, SSHIO_EINVAL, "not a list of authentication methods: \"%s\"", list);
    while (name_list_next(&rest, &entry))
        if (!is_method(entry))
            return error_set(e, SSHIO_EINVAL, "unknown authentication method in \"%s\"", list);
    return 0;
}

int auth_policy_set(struct texts *policy, const char *const *lists, struct error *e)
{
    if (lists == NULL || (const void *)lists == sshio_none)
        return 0;
    if (lists[0] != NULL && lists[1] == NULL && strcmp(lists[0], "any") == 0)
        return 0;
    for (size_t i = 0; lists[i] != NULL; i++) {
        int rc = check_list(lists[i], e);
        if (rc != 0)
            return rc;
    }
    return texts_copy(policy, lists) ? 0 : error_nomem(e);
}

bool auth_progress_init(struct auth_progress *p, const struct texts *policy)
{
    *p = (struct auth_progress){ .policy = policy, .passed = mem_array(policy->count + 1, sizeof *p->passed) };
    writer_init(&p->keys, KEYS_MAX);
    return p->passed != NULL;
}

void auth_progress_done(struct auth_progress *p)
{
    mem_free(p->passed);
    writer_done(&p->keys);
    p->passed = NULL;
}

void auth_progress_reset(struct auth_progress *p)
{
    memset(p->passed, 0, p->policy->count * sizeof *p->passed);
    writer_reset(&p->keys);
}

/* What is left of a list, its next entry first. */
static struct span rest_of(const struct auth_progress *p, size_t list)
{
    struct span rest = span_of(p->policy->items[list]), entry;
    for (size_t i = 0; i < p->passed[list]; i++)
        (void)name_list_next(&rest, &entry);
    return rest;
}

static void next_of(const struct auth_progress *p, size_t list, struct span *method, struct span *device)
{
    struct span rest = rest_of(p, list), entry = SPAN(NULL, 0);
    (void)name_list_next(&rest, &entry);
    split(entry, method, device);
}

bool auth_progress_allows(const struct auth_progress *p, const char *method)
{
    struct span next, device;
    for (size_t i = 0; i < p->policy->count; i++) {
        next_of(p, i, &next, &device);
        if (span_is(next, method))
            return true;
    }
    return p->policy->count == 0;
}

static bool is_wished(struct span wishes, struct span device)
{
    struct span name;
    if (wishes.len == 0)
        return true;
    while (name_list_next(&wishes, &name))
        if (span_equal(name, device))
            return true;
    return false;
}

bool auth_progress_device(const struct auth_progress *p, struct span wishes, struct span *device)
{
    struct span method, found;
    for (size_t i = 0; i < p->policy->count; i++) {
        next_of(p, i, &method, &found);
        if (!span_is(method, kbdint) || (found.len != 0 && !is_wished(wishes, found)))
            continue;
        *device = found;
        return true;
    }
    *device = SPAN(NULL, 0);
    return p->policy->count == 0;
}

bool auth_progress_pass(struct auth_progress *p, const char *method, struct span device)
{
    bool complete = p->policy->count == 0;
    for (size_t i = 0; i < p->policy->count; i++) {
        struct span next, wanted;
        next_of(p, i, &next, &wanted);
        if (!span_is(next, method) || (wanted.len != 0 && !span_equal(wanted, device)))
            continue;
        p->passed[i]++;
        complete = complete || rest_of(p, i).len == 0;
    }
    return complete;
}

bool auth_progress_key_is_used(const struct auth_progress *p, struct span blob)
{
    struct reader r;
    struct span keys = writer_span(&p->keys);
    reader_init(&r, keys.data, keys.len);
    while (reader_left(&r) > 0)
        if (span_equal(read_string(&r), blob))
            return true;
    return false;
}

bool auth_progress_use_key(struct auth_progress *p, struct span blob)
{
    put_span(&p->keys, blob);
    return !writer_failed(&p->keys);
}
