/* Keys that ssh-keygen (OpenSSH 9.2) made, and what it says of them. */
#ifndef SSHIO_TESTS_KEY_VECTORS_H
#define SSHIO_TESTS_KEY_VECTORS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "key/key.h"

static const char plain_private[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
                                    "QyNTUxOQAAACATTl6MxO1ghkOfzFHSGisgVAV3b7ac9SdOKu3SWnruoQAAAJDTWBy301gc\n"
                                    "twAAAAtzc2gtZWQyNTUxOQAAACATTl6MxO1ghkOfzFHSGisgVAV3b7ac9SdOKu3SWnruoQ\n"
                                    "AAAEAhG6LWhU/EWf7kdDZMzKf58obDuxgK4elLUHPKCOO8oRNOXozE7WCGQ5/MUdIaKyBU\n"
                                    "BXdvtpz1J04q7dJaeu6hAAAACnZlY3RvciBrZXkBAgM=\n"
                                    "-----END OPENSSH PRIVATE KEY-----\n";

static const char plain_public[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBNOXozE7WCGQ5/MUdIaKyBUBXdvtpz1J04q7dJaeu6h vector key\n";

/* Under a passphrase. */
static const char encrypted_private[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCG22H6Br\n"
                                        "rexMywQA3bOnaOAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIFC8Y0SHSeilPEU6\n"
                                        "xuYEgi1s7hpnFPCcFterXAIO5sz9AAAAkIKDBFImMWXx9Q6UxA4690/U/wR2M1bR6PAZCX\n"
                                        "R3wFv7cRhy3fHnoot4NkT85Ogj5NhHfH4VipoTCZ3b9/a9c7p60nqQjKVpkANX1V78dFDR\n"
                                        "w5kvZuun25yeux5DiM4RoOWTEs3FV/QMo5/eQPchLEdIbqR+wnfYkxAYLWyWPr9bxseJPi\n"
                                        "cZlv3Oe2w5mI+p2w==\n"
                                        "-----END OPENSSH PRIVATE KEY-----\n";

static const char encrypted_public[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFC8Y0SHSeilPEU6xuYEgi1s7hpnFPCcFterXAIO5sz9 locked\n";

/* A key of a type that is not in the tables: its blob is "ssh-dsx" and nothing. */
static const char unknown_public[] = "ssh-dsx AAAAB3NzaC1kc3g= none\n";

static inline sshio_key *plain_key(void)
{
    sshio_key *key = NULL;
    assert_int_equal(key_from_private_text(span_of(plain_private), NULL, NULL, &key, NULL), 0);
    return key;
}

#endif
