/* See keywords.h. */
#include "config/keywords.h"

#include <string.h>
#include <strings.h>

#define CLIENT CONFIG_CLIENT
#define SERVER CONFIG_SERVER
#define BOTH (CONFIG_CLIENT | CONFIG_SERVER)
#define ALL_TOKENS "%% %C %d %h %i %L %l %n %p %r %u"

static const struct keyword rows[KEYWORD_COUNT] = {
    [KEYWORD_HOSTNAME] = { "Hostname", VALUE_STRING, CLIENT, .tokens = "%% %h",
                           .help = "name or address to connect to" },
    [KEYWORD_USER] = { "User", VALUE_STRING, CLIENT, .help = "user to log in as" },
    [KEYWORD_PORT] = { "Port", VALUE_NUMBER, BOTH, 1, 65535, .fallback = "22",
                       .help = "port to connect to or to listen on" },
    [KEYWORD_ADDRESS_FAMILY] = { "AddressFamily", VALUE_CHOICE, BOTH, .choices = "any inet inet6", .fallback = "any",
                                 .help = "kind of network addresses to use" },
    [KEYWORD_BIND_ADDRESS] = { "BindAddress", VALUE_STRING, BOTH, .help = "local address of the connection" },
    [KEYWORD_LISTEN_ADDRESS] = { "ListenAddress", VALUE_APPEND, SERVER,
                                 .help = "address to listen on; may be repeated" },
    [KEYWORD_HOST_KEY] = { "HostKey", VALUE_APPEND, SERVER, .help = "private host key; may be repeated" },
    [KEYWORD_BATCH_MODE] = { "BatchMode", VALUE_FLAG, CLIENT, .fallback = "no", .help = "ask the user nothing" },
    [KEYWORD_COMPRESSION] = { "Compression", VALUE_FLAG, CLIENT, .fallback = "no", .help = "prefer to compress" },
    [KEYWORD_SERVER_COMPRESSION] = { "Compression", VALUE_CHOICE, SERVER, .choices = "yes no true false delayed",
                                     .fallback = "yes", .help = "prefer to compress, once a user is logged in" },
    [KEYWORD_CONNECT_TIMEOUT] = { "ConnectTimeout", VALUE_TIME, CLIENT, .fallback = "none",
                                  .help = "how long connecting and logging in may take" },
    [KEYWORD_LOGIN_GRACE_TIME] = { "LoginGraceTime", VALUE_TIME, SERVER, .fallback = "120",
                                   .help = "how long logging in may take" },
    [KEYWORD_ESCAPE_CHAR] = { "EscapeChar", VALUE_STRING, CLIENT, .fallback = "~",
                              .help = "character that begins commands to the client on a terminal" },
    [KEYWORD_HASH_KNOWN_HOSTS] = { "HashKnownHosts", VALUE_FLAG, CLIENT, .fallback = "no",
                                   .help = "write names into known hosts as hashes" },
    [KEYWORD_IDENTITIES_ONLY] = { "IdentitiesOnly", VALUE_FLAG, CLIENT, .fallback = "no",
                                  .help = "offer no keys but the configured ones" },
    [KEYWORD_IDENTITY_FILE] = { "IdentityFile", VALUE_APPEND, CLIENT, .tokens = ALL_TOKENS,
                                .help = "private key to offer; may be repeated" },
    [KEYWORD_PUBKEY_AUTHENTICATION] = { "PubkeyAuthentication", VALUE_FLAG, BOTH, .fallback = "yes",
                                        .help = "log in by keys" },
    [KEYWORD_PASSWORD_AUTHENTICATION] = { "PasswordAuthentication", VALUE_FLAG, BOTH, .fallback = "yes",
                                          .help = "log in by passwords" },
    [KEYWORD_KBDINT_AUTHENTICATION] = { "KbdInteractiveAuthentication", VALUE_FLAG, BOTH, .fallback = "yes",
                                        .help = "log in by answering questions" },
    [KEYWORD_PREFERRED_AUTHENTICATIONS] = { "PreferredAuthentications", VALUE_STRING, CLIENT,
                                            .help = "methods to log in by, in their order" },
    [KEYWORD_AUTHENTICATION_METHODS] = { "AuthenticationMethods", VALUE_LIST, SERVER, .fallback = "any",
                                         .help = "lists of methods, one of which a user must pass whole" },
    [KEYWORD_AUTHORIZED_KEYS_FILE] = { "AuthorizedKeysFile", VALUE_LIST, SERVER,
                                       .fallback = ".ssh/authorized_keys .ssh/authorized_keys2",
                                       .help = "files with the keys that may log in" },
    [KEYWORD_STRICT_MODES] = { "StrictModes", VALUE_FLAG, SERVER, .fallback = "yes",
                               .help = "refuse key files that others may write" },
    [KEYWORD_PERMIT_ROOT_LOGIN] = { "PermitRootLogin", VALUE_CHOICE, SERVER,
                                    .choices = "without-password prohibit-password yes no forced-commands-only",
                                    .fallback = "without-password", .help = "whether root may log in" },
    [KEYWORD_PERMIT_TTY] = { "PermitTTY", VALUE_FLAG, SERVER, .fallback = "yes", .help = "give terminals" },
    [KEYWORD_ALLOW_TCP_FORWARDING] = { "AllowTcpForwarding", VALUE_CHOICE, SERVER, .choices = "yes no all local remote",
                                       .fallback = "yes", .help = "which connections may be forwarded" },
    [KEYWORD_MAX_AUTH_TRIES] = { "MaxAuthTries", VALUE_NUMBER, SERVER, 1, INT32_MAX, .fallback = "6",
                                 .help = "failed tries to log in of one connection" },
    [KEYWORD_MAX_SESSIONS] = { "MaxSessions", VALUE_NUMBER, SERVER, 0, INT32_MAX, .fallback = "10",
                               .help = "sessions of one connection" },
    [KEYWORD_MAX_STARTUPS] = { "MaxStartups", VALUE_STARTUPS, SERVER, .fallback = "10:30:100",
                               .help = "connections that are not yet logged in" },
    [KEYWORD_PER_SOURCE_PENALTIES] = { "PerSourcePenalties", VALUE_LIST, SERVER, .fallback = "yes",
                                       .help = "how long addresses are refused after failed logins" },
    [KEYWORD_NUMBER_OF_PASSWORD_PROMPTS] = { "NumberOfPasswordPrompts", VALUE_NUMBER, CLIENT, 1, INT32_MAX,
                                             .fallback = "3", .help = "how often a password is asked for" },
    [KEYWORD_STRICT_HOST_KEY_CHECKING] = { "StrictHostKeyChecking", VALUE_CHOICE, CLIENT,
                                           .choices = "yes true no false off ask accept-new", .fallback = "ask",
                                           .help = "refuse hosts whose key is not known" },
    [KEYWORD_HOST_KEY_ALIAS] = { "HostKeyAlias", VALUE_STRING, CLIENT, .help = "name to look up in known hosts" },
    [KEYWORD_USER_KNOWN_HOSTS_FILE] = { "UserKnownHostsFile", VALUE_LIST, CLIENT,
                                        .fallback = "~/.ssh/known_hosts ~/.ssh/known_hosts2",
                                        .help = "files with the keys of known hosts" },
    [KEYWORD_GLOBAL_KNOWN_HOSTS_FILE] = { "GlobalKnownHostsFile", VALUE_LIST, CLIENT,
                                          .fallback = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
                                          .help = "more such files, of the whole machine" },
    [KEYWORD_REQUEST_TTY] = { "RequestTTY", VALUE_CHOICE, CLIENT, .choices = "yes true no false force auto",
                              .fallback = "auto", .help = "whether to ask for a terminal" },
    [KEYWORD_REMOTE_COMMAND] = { "RemoteCommand", VALUE_REST, CLIENT, .tokens = ALL_TOKENS,
                                 .help = "command to run when none is given" },
    [KEYWORD_SEND_ENV] = { "SendEnv", VALUE_APPEND_LIST, CLIENT,
                           .help = "names of variables to send, with wildcards; adds up" },
    [KEYWORD_SET_ENV] = { "SetEnv", VALUE_LIST, CLIENT, .help = "variables to send, NAME=value" },
    [KEYWORD_ACCEPT_ENV] = { "AcceptEnv", VALUE_APPEND_LIST, SERVER,
                             .help = "names of variables to take, with wildcards; adds up" },
    [KEYWORD_SUBSYSTEM] = { "Subsystem", VALUE_NAMED, SERVER, .help = "name of a subsystem, and its command" },
    [KEYWORD_FORCE_COMMAND] = { "ForceCommand", VALUE_REST, SERVER, .fallback = "none",
                                .help = "command that runs instead of what clients ask for" },
    [KEYWORD_CHROOT_DIRECTORY] = { "ChrootDirectory", VALUE_STRING, SERVER, .fallback = "none",
                                   .help = "root directory of sessions" },
    [KEYWORD_BANNER] = { "Banner", VALUE_STRING, SERVER, .fallback = "none", .help = "file to show before logging in" },
    [KEYWORD_PID_FILE] = { "PidFile", VALUE_STRING, SERVER, .fallback = "none", .help = "file for the process id" },
    [KEYWORD_USE_DNS] = { "UseDNS", VALUE_FLAG, SERVER, .fallback = "no", .help = "look up the names of clients" },
    [KEYWORD_TCP_KEEP_ALIVE] = { "TCPKeepAlive", VALUE_FLAG, BOTH, .fallback = "yes",
                                 .help = "let TCP find out that the other side is gone" },
    [KEYWORD_SERVER_ALIVE_INTERVAL] = { "ServerAliveInterval", VALUE_TIME, CLIENT, .fallback = "0",
                                        .help = "silence after which the server is asked whether it is there" },
    [KEYWORD_SERVER_ALIVE_COUNT_MAX] = { "ServerAliveCountMax", VALUE_NUMBER, CLIENT, 1, INT32_MAX, .fallback = "3",
                                         .help = "such questions without an answer that end the connection" },
    [KEYWORD_CLIENT_ALIVE_INTERVAL] = { "ClientAliveInterval", VALUE_TIME, SERVER, .fallback = "0",
                                        .help = "silence after which a client is asked whether it is there" },
    [KEYWORD_CLIENT_ALIVE_COUNT_MAX] = { "ClientAliveCountMax", VALUE_NUMBER, SERVER, 1, INT32_MAX, .fallback = "3",
                                         .help = "such questions without an answer that end the connection" },
    [KEYWORD_PROXY_COMMAND] = { "ProxyCommand", VALUE_REST, CLIENT, .tokens = ALL_TOKENS,
                                .help = "command whose input and output is the connection" },
    [KEYWORD_PROXY_JUMP] = { "ProxyJump", VALUE_STRING, CLIENT, .help = "hosts to connect through" },
    [KEYWORD_CIPHERS] = { "Ciphers", VALUE_STRING, BOTH, .help = "encryption algorithms" },
    [KEYWORD_MACS] = { "MACs", VALUE_STRING, BOTH,
                       .help = "message authentication codes, beside ciphers that need one" },
    [KEYWORD_KEX_ALGORITHMS] = { "KexAlgorithms", VALUE_STRING, BOTH, .help = "key exchange methods" },
    [KEYWORD_HOST_KEY_ALGORITHMS] = { "HostKeyAlgorithms", VALUE_STRING, BOTH, .help = "algorithms of host keys" },
    [KEYWORD_PUBKEY_ACCEPTED_ALGORITHMS] = { "PubkeyAcceptedAlgorithms", VALUE_STRING, BOTH,
                                             .help = "signature algorithms to log in with" },
    [KEYWORD_REQUIRED_RSA_SIZE] = { "RequiredRSASize", VALUE_NUMBER, BOTH, 1024, 16384,
                                    .help = "bits that RSA keys of hosts and users must have" },
    [KEYWORD_REKEY_LIMIT] = { "RekeyLimit", VALUE_REKEY, BOTH,
                              .help = "bytes and time after which keys are exchanged again" },
    [KEYWORD_LOG_LEVEL] = { "LogLevel", VALUE_CHOICE, BOTH,
                            .choices = "QUIET FATAL ERROR INFO VERBOSE DEBUG DEBUG1 DEBUG2 DEBUG3", .fallback = "INFO",
                            .help = "how much to say" },
    [KEYWORD_IGNORE_UNKNOWN] = { "IgnoreUnknown", VALUE_STRING, CLIENT,
                                 .help = "patterns of keywords that may be unknown" },
};

/* Names that keywords had. */
static const struct {
    const char *name;
    enum keyword_id id;
} old_names[] = {
    { "ChallengeResponseAuthentication", KEYWORD_KBDINT_AUTHENTICATION },
    { "SkeyAuthentication", KEYWORD_KBDINT_AUTHENTICATION },
    { "DSAAuthentication", KEYWORD_PUBKEY_AUTHENTICATION },
    { "IdentityFile2", KEYWORD_IDENTITY_FILE },
    { "UserKnownHostsFile2", KEYWORD_USER_KNOWN_HOSTS_FILE },
    { "GlobalKnownHostsFile2", KEYWORD_GLOBAL_KNOWN_HOSTS_FILE },
    { "PubkeyAcceptedKeyTypes", KEYWORD_PUBKEY_ACCEPTED_ALGORITHMS },
    { "KeepAlive", KEYWORD_TCP_KEEP_ALIVE },
};

#define OFF "no false"
static const struct foreign_keyword foreign[] = {
    { "AddKeysToAgent", CLIENT, false, OFF },
    { "AllowAgentForwarding", SERVER, false, OFF },
    { "AllowGroups", SERVER, false, NULL },
    { "AllowStreamLocalForwarding", SERVER, false, OFF },
    { "AllowUsers", SERVER, false, NULL },
    { "AuthorizedKeysCommand", SERVER, false, "none" },
    { "AuthorizedKeysCommandUser", SERVER, false, "*" },
    { "AuthorizedPrincipalsCommand", SERVER, false, "none" },
    { "AuthorizedPrincipalsCommandUser", SERVER, false, "*" },
    { "AuthorizedPrincipalsFile", SERVER, false, "none" },
    { "BindInterface", CLIENT, false, NULL },
    { "CanonicalDomains", CLIENT, false, NULL },
    { "CanonicalizeFallbackLocal", CLIENT, false, "*" },
    { "CanonicalizeHostname", CLIENT, false, OFF },
    { "CanonicalizeMaxDots", CLIENT, false, "*" },
    { "CanonicalizePermittedCNAMEs", CLIENT, false, "*" },
    { "CASignatureAlgorithms", BOTH, false, NULL },
    { "CertificateFile", CLIENT, false, "none" },
    { "ChannelTimeout", BOTH, false, "none" },
    { "CheckHostIP", CLIENT, false, OFF },
    { "ClearAllForwardings", CLIENT, false, "*" },
    { "ConnectionAttempts", CLIENT, false, "1" },
    { "ControlMaster", CLIENT, false, OFF, .optional = "*" },
    { "ControlPath", CLIENT, false, "none", .optional = "*" },
    { "ControlPersist", CLIENT, false, OFF, .optional = "*" },
    { "DenyGroups", SERVER, false, NULL },
    { "DenyUsers", SERVER, false, NULL },
    { "DisableForwarding", SERVER, false, OFF },
    { "DynamicForward", CLIENT, false, NULL },
    { "EnableEscapeCommandline", CLIENT, false, OFF },
    { "EnableSSHKeysign", CLIENT, false, OFF },
    { "ExitOnForwardFailure", CLIENT, false, "*" },
    { "ExposeAuthInfo", SERVER, false, OFF },
    { "FingerprintHash", BOTH, false, "sha256" },
    { "ForkAfterAuthentication", CLIENT, false, OFF },
    { "ForwardAgent", CLIENT, false, OFF },
    { "ForwardX11", CLIENT, false, OFF },
    { "ForwardX11Timeout", CLIENT, false, "*" },
    { "ForwardX11Trusted", CLIENT, false, "*" },
    { "GatewayPorts", BOTH, false, OFF },
    { "GSSAPIAuthentication", BOTH, false, OFF },
    { "GSSAPICleanupCredentials", SERVER, false, "*" },
    { "GSSAPIClientIdentity", CLIENT, false, "*" },
    { "GSSAPIDelegateCredentials", CLIENT, false, OFF },
    { "GSSAPIKexAlgorithms", BOTH, false, "*" },
    { "GSSAPIKeyExchange", BOTH, false, OFF },
    { "GSSAPIRenewalForcesRekey", CLIENT, false, "*" },
    { "GSSAPIServerIdentity", CLIENT, false, "*" },
    { "GSSAPIStoreCredentialsOnRekey", SERVER, false, "*" },
    { "GSSAPIStrictAcceptorCheck", SERVER, false, "*" },
    { "GSSAPITrustDns", CLIENT, false, "*" },
    { "HostbasedAcceptedAlgorithms", BOTH, false, "*" },
    { "HostbasedAuthentication", BOTH, false, OFF },
    { "HostbasedUsesNameFromPacketOnly", SERVER, false, OFF },
    { "HostCertificate", SERVER, false, NULL },
    { "HostKeyAgent", SERVER, false, "none" },
    { "IdentityAgent", CLIENT, false, "none" },
    { "IgnoreRhosts", SERVER, false, "*" },
    { "IgnoreUserKnownHosts", SERVER, false, "*" },
    { "IPQoS", BOTH, false, "*" },
    { "KbdInteractiveDevices", CLIENT, false, "*" },
    { "KerberosAuthentication", SERVER, false, OFF },
    { "KerberosGetAFSToken", SERVER, false, OFF },
    { "KerberosOrLocalPasswd", SERVER, false, "*" },
    { "KerberosTicketCleanup", SERVER, false, "*" },
    { "KnownHostsCommand", CLIENT, false, "none" },
    { "LocalCommand", CLIENT, false, "*" },
    { "LocalForward", CLIENT, false, NULL },
    { "LogVerbose", BOTH, false, "*" },
    { "ModuliFile", SERVER, false, "*" },
    { "NoHostAuthenticationForLocalhost", CLIENT, false, OFF },
    { "ObscureKeystrokeTiming", CLIENT, false, OFF },
    { "PermitEmptyPasswords", SERVER, false, OFF },
    { "PermitListen", SERVER, false, "none" },
    { "PermitLocalCommand", CLIENT, false, OFF },
    { "PermitOpen", SERVER, false, "any" },
    { "PermitRemoteOpen", CLIENT, false, "*" },
    { "PermitTunnel", SERVER, false, OFF },
    { "PermitUserEnvironment", SERVER, false, OFF },
    { "PermitUserRC", SERVER, false, OFF },
    { "PerSourceMaxStartups", SERVER, false, "none" },
    { "PerSourceNetBlockSize", SERVER, false, "*" },
    { "PerSourcePenaltyExemptList", SERVER, false, "none" },
    { "PKCS11Provider", CLIENT, false, "none" },
    { "PrintLastLog", SERVER, false, "*" },
    { "PrintMotd", SERVER, false, "*" },
    { "ProxyUseFdpass", CLIENT, false, OFF },
    { "PubkeyAuthOptions", SERVER, false, "none" },
    { "RDomain", SERVER, false, "none" },
    { "RemoteForward", CLIENT, false, NULL },
    { "RevokedHostKeys", CLIENT, false, "none" },
    { "RevokedKeys", SERVER, false, "none" },
    { "SecurityKeyProvider", BOTH, false, "*" },
    { "SessionType", CLIENT, false, "default" },
    { "SetEnv", SERVER, false, NULL },
    { "SshdAuthPath", SERVER, false, "*" },
    { "SshdSessionPath", SERVER, false, "*" },
    { "StdinNull", CLIENT, false, OFF },
    { "StreamLocalBindMask", BOTH, false, "*" },
    { "StreamLocalBindUnlink", BOTH, false, "*" },
    { "SyslogFacility", BOTH, false, "*" },
    { "Tag", CLIENT, false, NULL },
    { "TrustedUserCAKeys", SERVER, false, "none" },
    { "Tunnel", CLIENT, false, OFF },
    { "TunnelDevice", CLIENT, false, "*" },
    { "UnusedConnectionTimeout", SERVER, false, "none" },
    { "UpdateHostKeys", CLIENT, false, OFF },
    { "UsePAM", SERVER, false, OFF },
    { "VerifyHostKeyDNS", CLIENT, false, OFF },
    { "VersionAddendum", BOTH, false, "none" },
    { "VisualHostKey", CLIENT, false, OFF },
    { "X11DisplayOffset", SERVER, false, "*" },
    { "X11Forwarding", SERVER, false, OFF },
    { "X11UseLocalhost", SERVER, false, "*" },
    { "XAuthLocation", BOTH, false, "*" },

    { "AFSTokenPassing", BOTH, true, NULL },
    { "AuthorizedKeysFile2", SERVER, true, NULL },
    { "Cipher", CLIENT, true, NULL },
    { "CompressionLevel", CLIENT, true, NULL },
    { "FallBackToRsh", CLIENT, true, NULL },
    { "KeyRegenerationInterval", SERVER, true, NULL },
    { "PAMAuthenticationViaKbdInt", SERVER, true, NULL },
    { "Protocol", BOTH, true, "2" },
    { "ReverseMappingCheck", SERVER, true, NULL },
    { "RhostsAuthentication", BOTH, true, NULL },
    { "RhostsRSAAuthentication", BOTH, true, NULL },
    { "RSAAuthentication", BOTH, true, NULL },
    { "ServerKeyBits", SERVER, true, NULL },
    { "UseLogin", SERVER, true, NULL },
    { "UsePrivilegedPort", CLIENT, true, NULL },
    { "UsePrivilegeSeparation", SERVER, true, NULL },
    { "UseRoaming", CLIENT, true, NULL },
    { "UseRsh", CLIENT, true, NULL },
    { "VerifyReverseMapping", SERVER, true, NULL },
};

const struct keyword *keyword_at(enum keyword_id id)
{
    return &rows[id];
}

static bool is_name(struct span name, const char *text)
{
    return strlen(text) == name.len && strncasecmp(text, (const char *)name.data, name.len) == 0;
}

bool keyword_find(struct span name, enum config_side side, enum keyword_id *id)
{
    for (size_t i = 0; i < sizeof old_names / sizeof old_names[0]; i++)
        if (is_name(name, old_names[i].name))
            name = span_of(rows[old_names[i].id].name);
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if ((rows[i].sides & side) == 0 || !is_name(name, rows[i].name))
            continue;
        *id = (enum keyword_id)i;
        return true;
    }
    return false;
}

const struct foreign_keyword *keyword_find_foreign(struct span name, enum config_side side)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if ((foreign[i].sides & side) != 0 && is_name(name, foreign[i].name))
            return &foreign[i];
    return NULL;
}

bool keyword_is_one_of(const char *words, struct span value, const char **word, size_t *word_len)
{
    if (words == NULL)
        return false;
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        if (is_name(SPAN(words, len), "*") ||
            (len == value.len && strncasecmp(words, (const char *)value.data, len) == 0)) {
            *word = words;
            *word_len = len;
            return true;
        }
        words += len;
        words += *words == ' ';
    }
    return false;
}
