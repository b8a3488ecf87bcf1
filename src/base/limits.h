/* Every limit on what a peer can make us do, in one table; SECURITY-relevant numbers stand nowhere else.
 * A connection carries one struct limits; options change its fields. Units end the names. */
#ifndef SSHIO_BASE_LIMITS_H
#define SSHIO_BASE_LIMITS_H

#include <stdint.h>

/* X(field, type, default, meaning) */
#define LIMITS(X)                                                                                                      \
    X(login_ms, uint32_t, 120000, "time from transport open to authenticated; 0 = none")                               \
    X(auth_tries, uint32_t, 6, "failed tries per connection; the first none and accepted key queries do not count")    \
    X(auth_requests, uint32_t, 1024, "authentication requests per connection, of all kinds")                           \
    X(auth_packets, uint32_t, 4096, "packets received before authentication is complete")                              \
    X(packet_len, uint32_t, 262144, "largest packet_length after login")                                               \
    X(packet_len_before_login, uint32_t, 65536, "largest packet_length before login")                                  \
    X(sessions, uint32_t, 64, "session channels per connection")                                                       \
    X(channels, uint32_t, 1024, "channels of all kinds per connection")                                                \
    X(undecided_opens, uint32_t, 64, "channel opens that wait for the application")                                    \
    X(global_requests, uint32_t, 64, "queued global requests per connection")                                          \
    X(channel_requests, uint32_t, 128, "queued requests per channel")                                                  \
    X(window_growth, uint32_t, 32 * 1024 * 1024, "bytes by which a connection's receive windows may grow, together")   \
    X(env_count, uint32_t, 128, "environment variables per session")                                                   \
    X(env_len, uint32_t, 1024, "bytes of one environment variable, name and value")                                    \
    X(output_high, uint32_t, 512 * 1024, "unsent bytes above which no channel data is packetised")                     \
    X(output_low, uint32_t, 64 * 1024, "unsent bytes below which packetising goes on")                                 \
    X(control_queue, uint32_t, 4 * 1024 * 1024, "unsent replies and control messages that end the connection")         \
    X(peer_rekeys, uint32_t, 10, "peer-started rekeys that carried little data, within 10 s")                          \
    X(peer_rekey_data, uint32_t, 16 * 1024, "channel data, both ways, that makes a peer-started rekey harmless")       \
    X(dh_min_bits, uint32_t, 2048, "smallest group of a DH group exchange (RFC 8270)")                                 \
    X(dh_max_bits, uint32_t, 8192, "largest group of one")                                                             \
    X(version_lines, uint32_t, 1024, "lines before the server's version line")                                         \
    X(version_line_len, uint32_t, 8191, "bytes of one such line")                                                      \
    X(ext_info_count, uint32_t, 1024, "extensions in one EXT_INFO")                                                    \
    X(user_len, uint32_t, 1023, "bytes of a user name")                                                                \
    X(password_len, uint32_t, 1024, "bytes of a password that is passed on for checking")                              \
    X(kbdint_prompts, uint32_t, 64, "prompts of one keyboard-interactive challenge, both ways")                        \
    X(kbdint_rounds, uint32_t, 64, "challenges of one keyboard-interactive dialogue, both ways")                       \
    X(sftp_handles, uint32_t, 1024, "open files and directories of an SFTP session; a power of two")                   \
    X(sftp_requests, uint32_t, 64, "SFTP requests of a session that are read before others are answered")              \
    X(sftp_payload, uint32_t, 16 * 1024 * 1024, "bytes of such requests above which no more are read")                 \
    X(sftp_jobs, uint32_t, 16, "SFTP requests of a session that are worked on at the same time")                       \
    X(sftp_path_len, uint32_t, 64 * 1024, "bytes of a path in an SFTP request")                                        \
    X(sftp_ids, uint32_t, 4096, "users and groups that are named in one request")                                      \
    X(unauthenticated_conns, uint32_t, 100, "connections of one listener that have not logged in yet")

#define LIMITS_MEMBER(field, type, value, meaning) type field; /* meaning */
struct limits {
    LIMITS(LIMITS_MEMBER)
};

extern const struct limits limits_default;

#endif
