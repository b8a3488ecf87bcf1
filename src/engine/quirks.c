/* The table of peers' quirks; see quirks.h. */
#include "engine/quirks.h"

#include <stddef.h>

#include "base/pattern.h"

static const struct {
    const char *pattern; /* of the version line */
    uint32_t quirks;
} rows[] = {
    /* Up to 2.10 at least nothing is held back during a re-exchange. */
    { "SSH-2.0-AsyncSSH_*", QUIRK_GOES_ON },
    /* 0.78 answers a CHANNEL_CLOSE that came just before our KEXINIT behind its own. */
    { "SSH-2.0-PuTTY_Release_0.7*", QUIRK_GOES_ON },
    /* 20230101: back in its main loop it waits for the socket before it looks at what it has read already. */
    { "SSH-2.0-tinyssh*", QUIRK_WAITS_FOR_MORE },
    /* Programs on 0.10 wait until the key exchange is over, and miss it when the user has logged in meanwhile. */
    { "SSH-2.0-libssh?0*", QUIRK_LOST_BY_EARLY_LOGIN },
    { "*dropbear*", QUIRK_PACKETS_SHORT },
    { "SSH-2.0-paramiko_*", QUIRK_ASKS_FOR_SERVICE_AGAIN },
    { "*paramiko*", QUIRK_SYMLINK_TARGET_FIRST },
    { "*OpenSSH*", QUIRK_SYMLINK_TARGET_FIRST },
    { "*libssh2*", QUIRK_SYMLINK_TARGET_FIRST },
    { "*mod_sftp*", QUIRK_SYMLINK_TARGET_FIRST | QUIRK_SYMLINK_NEVER_LINK_FIRST },
    { "SSH-2.0-Go", QUIRK_SYMLINK_TARGET_FIRST },
    /* 4.15: of the handles that are open it looks at the newest first, and finds one below them free that is not. */
    { "SSH-2.0-Erlang/*", QUIRK_SFTP_HANDLES_TWICE },
    /* rsa-sha2-256 and -512 came with 7.2, which is when EXT_INFO came too. */
    { "SSH-2.0-OpenSSH_2*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_3*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_4*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_5*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_6*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_7.0*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_7.1*", QUIRK_NO_RSA_SHA2 },
    { "SSH-2.0-OpenSSH_7.4*", QUIRK_LEAVES_OUT_RSA_SHA2 },
};

uint32_t quirks_of(const char *version)
{
    uint32_t quirks = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (pattern_match(span_of(rows[i].pattern), span_of(version)))
            quirks |= rows[i].quirks;
    return quirks;
}
