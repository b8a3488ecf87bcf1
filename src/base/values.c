/* The small values of the public API: what they own, and how it is given back. */
#include <sshio/base.h>

#include "base/memory.h"

char sshio_none[1];

void sshio_bytes_free(sshio_bytes *bytes)
{
    if (bytes == NULL)
        return;
    mem_free_secret(bytes->data, bytes->data != NULL ? bytes->len : 0);
    *bytes = (sshio_bytes){ NULL, 0 };
}

void sshio_texts_free(sshio_texts *texts)
{
    if (texts == NULL)
        return;
    for (size_t i = 0; i < texts->count; i++)
        mem_free_secret(texts->items[i], strlen(texts->items[i]));
    mem_free(texts->items);
    *texts = (sshio_texts){ 0, NULL };
}

/* Each host is an allocation of its own. */
void sshio_addresses_free(sshio_addresses *addresses)
{
    if (addresses == NULL)
        return;
    for (size_t i = 0; i < addresses->count; i++)
        mem_free((void *)addresses->items[i].host);
    mem_free(addresses->items);
    *addresses = (sshio_addresses){ 0, NULL };
}

void sshio_free(void *memory)
{
    mem_free(memory);
}

const char *sshio_version(void)
{
    return SSHIO_VERSION;
}
