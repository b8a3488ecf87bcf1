/* The names of message numbers; see messages.h. */
#include "engine/messages.h"

#include <stddef.h>

static const struct {
    uint8_t first, last;
    const char *name;
} message_rows[] = {
    { 1, 1, "MSG_DISCONNECT" },
    { 2, 2, "MSG_IGNORE" },
    { 3, 3, "MSG_UNIMPLEMENTED" },
    { 4, 4, "MSG_DEBUG" },
    { 5, 5, "MSG_SERVICE_REQUEST" },
    { 6, 6, "MSG_SERVICE_ACCEPT" },
    { 7, 7, "MSG_EXT_INFO" },
    { 20, 20, "MSG_KEXINIT" },
    { 21, 21, "MSG_NEWKEYS" },
    { 30, 49, "key exchange message" },
    { 50, 50, "MSG_USERAUTH_REQUEST" },
    { 51, 51, "MSG_USERAUTH_FAILURE" },
    { 52, 52, "MSG_USERAUTH_SUCCESS" },
    { 53, 53, "MSG_USERAUTH_BANNER" },
    { 60, 79, "authentication method message" },
    { 80, 80, "MSG_GLOBAL_REQUEST" },
    { 81, 81, "MSG_REQUEST_SUCCESS" },
    { 82, 82, "MSG_REQUEST_FAILURE" },
    { 90, 90, "MSG_CHANNEL_OPEN" },
    { 91, 91, "MSG_CHANNEL_OPEN_CONFIRMATION" },
    { 92, 92, "MSG_CHANNEL_OPEN_FAILURE" },
    { 93, 93, "MSG_CHANNEL_WINDOW_ADJUST" },
    { 94, 94, "MSG_CHANNEL_DATA" },
    { 95, 95, "MSG_CHANNEL_EXTENDED_DATA" },
    { 96, 96, "MSG_CHANNEL_EOF" },
    { 97, 97, "MSG_CHANNEL_CLOSE" },
    { 98, 98, "MSG_CHANNEL_REQUEST" },
    { 99, 99, "MSG_CHANNEL_SUCCESS" },
    { 100, 100, "MSG_CHANNEL_FAILURE" },
    { 192, 192, "MSG_PING" },
    { 193, 193, "MSG_PONG" },
};

const char *message_name(uint8_t number)
{
    for (size_t i = 0; i < sizeof message_rows / sizeof message_rows[0]; i++)
        if (number >= message_rows[i].first && number <= message_rows[i].last)
            return message_rows[i].name;
    return "unknown message";
}
