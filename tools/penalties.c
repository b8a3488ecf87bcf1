/* See penalties.h. */
#include "penalties.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <sshio.h>

#define BUCKET_COUNT 1024
#define HOST_MAX_LEN 64

const struct penalty_rules penalty_rules_usual = {
    .added = { [PENALTY_NO_LOGIN] = 1, [PENALTY_REFUSED] = 5, [PENALTY_TOO_SLOW] = 10 },
    .least = 15,
    .most = 600,
    .max_addresses = 65536,
};

/* ---- rules ---- */

static double *find_rule(struct penalty_rules *rules, const char *name, size_t len)
{
    const struct {
        const char *name;
        double *place;
    } names[] = {
        { "noauth", &rules->added[PENALTY_NO_LOGIN] },
        { "authfail", &rules->added[PENALTY_REFUSED] },
        { "grace-exceeded", &rules->added[PENALTY_TOO_SLOW] },
        { "min", &rules->least },
        { "max", &rules->most },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
            return names[i].place;
    return NULL;
}

bool penalty_rules_read(const char *const *values, struct penalty_rules *rules, bool *on, const char **wrong)
{
    *rules = penalty_rules_usual;
    *on = true;
    if (values == NULL || values[0] == NULL)
        return true;
    *on = strcmp(values[0], "no") != 0;
    if (values[1] == NULL && (strcmp(values[0], "no") == 0 || strcmp(values[0], "yes") == 0))
        return true;
    for (; *values != NULL; values++) {
        size_t len = strcspn(*values, ":");
        double *place = find_rule(rules, *values, len);
        *wrong = *values;
        if (place == NULL || (*values)[len] == '\0' || sshio_parse_interval(*values + len + 1, place) != 0)
            return false;
    }
    return true;
}

/* ---- the table ---- */

struct entry {
    struct entry *next;
    double until;
    bool refused; /* it has collected the least time once */
    char host[HOST_MAX_LEN];
};

struct penalties {
    uint64_t seed;
    size_t count;
    struct entry *buckets[BUCKET_COUNT];
};

struct penalties *penalties_new(uint64_t seed)
{
    struct penalties *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->seed = seed;
    return p;
}

static void remove_at(struct penalties *p, struct entry **place)
{
    struct entry *entry = *place;
    *place = entry->next;
    p->count--;
    free(entry);
}

void penalties_free(struct penalties *p)
{
    for (size_t i = 0; p != NULL && i < BUCKET_COUNT; i++)
        while (p->buckets[i] != NULL)
            remove_at(p, &p->buckets[i]);
    free(p);
}

/* Nobody outside knows the seed, so nobody can choose addresses that meet in one bucket. */
static struct entry **bucket_of(struct penalties *p, const char *host)
{
    uint64_t hash = p->seed;
    for (; *host != '\0'; host++) {
        hash = (hash ^ (unsigned char)*host) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return &p->buckets[hash % BUCKET_COUNT];
}

static struct entry **find(struct penalties *p, const char *host)
{
    struct entry **place = bucket_of(p, host);
    while (*place != NULL && strcmp((*place)->host, host) != 0)
        place = &(*place)->next;
    return place;
}

static void forget_past(struct penalties *p, double now)
{
    for (size_t i = 0; i < BUCKET_COUNT; i++)
        for (struct entry **place = &p->buckets[i]; *place != NULL;)
            if ((*place)->until <= now)
                remove_at(p, place);
            else
                place = &(*place)->next;
}

/* An IPv4 address also in its IPv6 form. */
static bool is_exempt(const char *host)
{
    struct in_addr four;
    if (strncmp(host, "::ffff:", 7) == 0)
        host += 7;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return host[0] == '\0' || strcmp(host, "::1") == 0 || strlen(host) >= HOST_MAX_LEN;
}

static struct entry *make(struct penalties *p, const struct penalty_rules *rules, const char *host, double now)
{
    if (p->count >= rules->max_addresses)
        forget_past(p, now);
    struct entry *entry = p->count < rules->max_addresses ? calloc(1, sizeof *entry) : NULL;
    if (entry == NULL)
        return NULL;
    struct entry **bucket = bucket_of(p, host);
    strncpy(entry->host, host, HOST_MAX_LEN - 1);
    entry->until = now;
    entry->next = *bucket;
    *bucket = entry;
    p->count++;
    return entry;
}

void penalties_add(struct penalties *p, const struct penalty_rules *rules, const char *host, enum penalty penalty,
                   double now)
{
    if (is_exempt(host) || rules->added[penalty] <= 0)
        return;
    struct entry *entry = *find(p, host);
    if (entry == NULL)
        entry = make(p, rules, host, now);
    if (entry == NULL)
        return;
    if (entry->until <= now) {
        entry->until = now;
        entry->refused = false;
    }
    entry->until += rules->added[penalty];
    if (entry->until > now + rules->most)
        entry->until = now + rules->most;
    entry->refused = entry->refused || entry->until - now >= rules->least;
}

bool penalties_refuse(struct penalties *p, const char *host, double now)
{
    struct entry **place = find(p, host);
    if (*place == NULL || (*place)->until > now)
        return *place != NULL && (*place)->refused;
    remove_at(p, place);
    return false;
}

size_t penalties_count(const struct penalties *p)
{
    return p->count;
}
