/* What known peers do wrong and still have to be got along with, by the software in their version line. */
#ifndef SSHIO_ENGINE_QUIRKS_H
#define SSHIO_ENGINE_QUIRKS_H

#include <stdint.h>

enum quirk {
    QUIRK_GOES_ON = 1u << 0, /* the connection protocol goes on between its KEXINIT and its NEWKEYS, in a re-exchange */
    QUIRK_WAITS_FOR_MORE =
        1u << 1, /* what comes in one piece with our NEWKEYS, in a re-exchange, lies there until more comes */
    QUIRK_NO_RSA_SHA2 = 1u << 2,         /* knows RSA signatures with SHA-1 alone */
    QUIRK_LEAVES_OUT_RSA_SHA2 = 1u << 3, /* takes RSA signatures with SHA-2, but does not say so */
    QUIRK_PACKETS_SHORT = 1u << 4, /* with compression its largest packet of a channel is one byte less than it says */
    QUIRK_ASKS_FOR_SERVICE_AGAIN = 1u << 5,   /* a client that sends SERVICE_REQUEST before each way to log in */
    QUIRK_SYMLINK_TARGET_FIRST = 1u << 6,     /* has the target in front of the link in SFTP's SYMLINK, version 3 */
    QUIRK_SYMLINK_NEVER_LINK_FIRST = 1u << 7, /* and in versions 4 and 5 as well */
    QUIRK_SFTP_HANDLES_TWICE = 1u << 9,       /* gives the third file that is open the handle of another one */
    QUIRK_LOST_BY_EARLY_LOGIN = 1u << 8, /* a server that is lost when a login comes in one piece with our NEWKEYS */
};

uint32_t quirks_of(const char *version); /* the peer's whole version line; a set of enum quirk */

#endif
