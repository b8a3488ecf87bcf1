/* The table of SFTP packet types; see messages.h. */
#include "sftp/messages.h"

#include <stddef.h>

#define MESSAGE_ROW(name, number, by_server, first, last) { (number), (first), "FXP_" #name },
static const struct {
    uint8_t type;
    uint8_t first;
    const char *name;
} rows[] = { SFTP_MESSAGES(MESSAGE_ROW) };

const char *sftp_message_name(uint8_t type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type == type)
            return rows[i].name;
    return "unknown";
}

bool sftp_message_is_known(uint8_t type, int version)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type == type)
            return version >= rows[i].first;
    return false;
}
