/* Public keys for lines of known_hosts and authorized_keys. */
#ifndef SSHIO_TESTS_CONFIG_KEYS_H
#define SSHIO_TESTS_CONFIG_KEYS_H

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4em8Vp1M80HpHsOYtm2o4xxqfbsDE7pYh3KkhySDZr"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGvS3O7rgzl6qekILi+dCqMavRK90MoUJeIazsuv53Hz"
#define KEY_ECDSA                                                                                                      \
    "ecdsa-sha2-nistp256 "                                                                                             \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBP4k7q5UV1wTPsGbWwRuKxaXlB+JwmFY9Ma0DR1jGfWW"                 \
    "osucOc/Mrm2CVeKVhEBggh6TTjMkYTG0fTX8lfgOIU0="

/* As ssh-keygen -H writes them: KEY_A for host.example, and for [host.example]:2222. */
#define HASHED_HOST "|1|KQ/B/heHqnWZjp68igeDU7zQ358=|7Wkkd13z2tvJUsAwednkzN/05UM="
#define HASHED_HOST_2222 "|1|sCgUsYKmlrm29Kw8uNacSA7dLus=|w/LgF0np57O0DQ2Jeq+KNLhyT+Q="

#endif
