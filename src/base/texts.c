/* Owned lists of texts; see texts.h. The array grows in powers of two that follow from the count, so that no capacity
 * is kept. */
#include "base/texts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Slots of the array when `used` of them, the final NULL included, are taken. */
static size_t slots_for(size_t used)
{
    size_t slots = 4;
    while (slots < used)
        slots *= 2;
    return slots;
}

/* Takes the text over, also when it fails. */
static bool append(struct texts *t, char *text)
{
    if (text == NULL)
        return false;
    size_t slots = slots_for(t->count + 2);
    if (t->items == NULL || slots != slots_for(t->count + 1)) {
        char **items = mem_grow(t->items, slots * sizeof *items);
        if (items == NULL) {
            mem_free_secret(text, strlen(text));
            return false;
        }
        t->items = items;
    }
    t->items[t->count++] = text;
    t->items[t->count] = NULL;
    return true;
}

bool texts_add(struct texts *t, const char *text)
{
    return append(t, mem_strdup(text));
}

bool texts_add_len(struct texts *t, const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (copy == NULL)
        return false;
    if (len != 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return append(t, copy);
}

bool texts_addf(struct texts *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len >= 0 ? mem_alloc((size_t)len + 1) : NULL;
    if (text == NULL)
        return false;
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return append(t, text);
}

bool texts_copy(struct texts *t, const char *const *items)
{
    struct texts copy = { 0 };
    for (size_t i = 0; items != NULL && items[i] != NULL; i++) {
        if (!texts_add(&copy, items[i])) {
            texts_done(&copy);
            return false;
        }
    }
    texts_done(t);
    *t = copy;
    return true;
}

bool texts_has(const struct texts *t, const char *text)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i], text) == 0)
            return true;
    return false;
}

const char *const *texts_items(const struct texts *t)
{
    static const char *const none[] = { NULL };
    return t->items != NULL ? (const char *const *)t->items : none;
}

char *texts_join(const struct texts *t, const char *separator)
{
    size_t between = strlen(separator), size = 1;
    for (size_t i = 0; i < t->count; i++)
        size += strlen(t->items[i]) + (i != 0 ? between : 0);
    char *joined = mem_alloc(size);
    if (joined == NULL)
        return NULL;
    char *at = joined;
    for (size_t i = 0; i < t->count; i++) {
        if (i != 0)
            at = mempcpy(at, separator, between);
        at = mempcpy(at, t->items[i], strlen(t->items[i]));
    }
    *at = '\0';
    return joined;
}

void texts_done(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        mem_free_secret(t->items[i], strlen(t->items[i]));
    mem_free(t->items);
    *t = (struct texts){ 0 };
}

/* ---- NAME=value ---- */

static char **find(const struct texts *t, const char *name, size_t len)
{
    for (size_t i = 0; i < t->count; i++)
        if (strncmp(t->items[i], name, len) == 0 && t->items[i][len] == '=')
            return &t->items[i];
    return NULL;
}

const char *texts_value(const struct texts *t, const char *name)
{
    size_t len = strlen(name);
    char **found = find(t, name, len);
    return found != NULL ? *found + len + 1 : NULL;
}

bool texts_set(struct texts *t, const char *name, size_t name_len, const char *value, size_t value_len)
{
    char **found = find(t, name, name_len);
    char *entry = mem_alloc(name_len + 1 + value_len + 1);
    if (entry == NULL)
        return false;
    char *at = mempcpy(entry, name, name_len);
    *at++ = '=';
    at = mempcpy(at, value, value_len);
    *at = '\0';
    if (found == NULL)
        return append(t, entry);
    mem_free_secret(*found, strlen(*found));
    *found = entry;
    return true;
}

void texts_unset(struct texts *t, const char *name)
{
    char **found = find(t, name, strlen(name));
    if (found == NULL)
        return;
    mem_free_secret(*found, strlen(*found));
    size_t index = (size_t)(found - t->items);
    memmove(found, found + 1, (t->count - index) * sizeof *found);
    t->count--;
}
