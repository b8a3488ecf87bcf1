/* Keys of each type and form that ssh-keygen (OpenSSH 9.2, with libcrypto 3.0) wrote, and what it says of them. */
#ifndef SSHIO_TESTS_KEY_FIXTURES_H
#define SSHIO_TESTS_KEY_FIXTURES_H

struct key_fixture {
    const char *type;
    int bits;
    const char *openssh, *openssh_public;
    const char *pkcs8, *pkcs8_public;
    const char *fingerprint;
};

static const struct key_fixture key_fixtures[] = {
    { .type = "ssh-rsa",
      .bits = 2048,
      .openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                 "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABFwAAAAdzc2gtcn\n"
                 "NhAAAAAwEAAQAAAQEA0G5gtFBYAGVY19A36RditbhU+iQ01VZ1BsLb3lW10PRoSbWlQ2bw\n"
                 "dtLLFy8ZXCOiI05qDZ7ihCWvwSjlNzrOGAgeBKkeRXgRCf0qUBWIbXOdT4wSuY/DD7Pbd1\n"
                 "BdcoR+LU7ryCN3Q8i99DSLvlPZ2xPJLSiIT+twAd8MTQvhB4dDb3HTODMHmKonXsXb8eGU\n"
                 "qcumvMUZrEU5RJ/WSG+C3xGYnDPV1gDd2RvT6TERwYv9u6/djdml+Ir7eKiIMGBv0sY577\n"
                 "6qBkA6eBP58XKV+XWVgfSU34ATiPDiLhMnWiaAcuu25dLgotGVB6Q4x7D0KXL14w3p/Xkv\n"
                 "V0DZ+eCMVQAAA8ima7WCpmu1ggAAAAdzc2gtcnNhAAABAQDQbmC0UFgAZVjX0DfpF2K1uF\n"
                 "T6JDTVVnUGwtveVbXQ9GhJtaVDZvB20ssXLxlcI6IjTmoNnuKEJa/BKOU3Os4YCB4EqR5F\n"
                 "eBEJ/SpQFYhtc51PjBK5j8MPs9t3UF1yhH4tTuvII3dDyL30NIu+U9nbE8ktKIhP63AB3w\n"
                 "xNC+EHh0NvcdM4MweYqidexdvx4ZSpy6a8xRmsRTlEn9ZIb4LfEZicM9XWAN3ZG9PpMRHB\n"
                 "i/27r92N2aX4ivt4qIgwYG/SxjnvvqoGQDp4E/nxcpX5dZWB9JTfgBOI8OIuEydaJoBy67\n"
                 "bl0uCi0ZUHpDjHsPQpcvXjDen9eS9XQNn54IxVAAAAAwEAAQAAAQAplOOpBWBRD+b2Ax2s\n"
                 "XFR+gVw+nQuHRhzJsQUxKXNA0QmfLuRd+oLdibcnlGdgSOGXXpTsy7ZP+77A79outwYXqE\n"
                 "Lo1h5qaIYpsn6HBIy3nTmUfZLcvzAAiXauqnNCHemYO2bxghXQiZNPzU3Vth+/w4Y+gpgT\n"
                 "LZqmXOu00TpfCEJ1mGWfObmOCMWpXSh6UQRxwfWKldGMeUwINNIi7REk+ko7fMvxWvxLhW\n"
                 "1VbD66dCwHYLv5dirl6jf0d+A9H0YZu4P7Bq8cx7v0c6CEHHRa+sWjJmFnDXaZYztLLNqv\n"
                 "xcFG+xlWUnuCZ7hyKzgjVGKo/Jp3z+07h+R4fwplElFhAAAAgQCNDRePLULRRj2bxTp9jB\n"
                 "odfARXMitICHWbquIT2+q5K4eFLJ43LXmitV9oD7s2ujy3oSLY44J2yQWGWFTroOlKBKsr\n"
                 "ZnZMpmHgxDk0NtyHUVYAu+2hJI+Olr+ZXa/TfeddOmNa5RJcEq8tbC7Pg02XlF7/HtGUcP\n"
                 "VOgO+8BmyHnAAAAIEA7sOdoyFGjI9LaR5iV09NncizmfedmhKEIDY3CCDTxjp08v6ORGm2\n"
                 "O5itOqHD8Pfxb7S2ks/SGQ0zRAvjZKgCr7kO3VRw0mt0rBhOLBLsagTXoLl3ca8BS3aOQt\n"
                 "7WmEZtWr2zukdY2R++ddHhd140pXfqBUFvbrB0KC+bg+DqmSUAAACBAN96NLamwJsdD69H\n"
                 "pY4aQGu31y9ZBCJYO4W3SmaFr84biu7AeCnF1S38JF+ZVoyceTrUlswTJrSEuJdyaZaG0b\n"
                 "MKV/ac9JLmF+n3VzJjiER2GQPK9yFXJiOzJqUY5h2PFrq6NsvEq9MoMu7FYKc5A7u80VQX\n"
                 "EAQWmCSbAvXv/DdxAAAAD3JzYS0yMDQ4IHZlY3RvcgECAw==\n"
                 "-----END OPENSSH PRIVATE KEY-----\n",
      .openssh_public =
          "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDQbmC0UFgAZVjX0DfpF2K1uFT6JDTVVnUGwtveVbXQ9GhJtaVDZvB20ssX"
          "LxlcI6IjTmoNnuKEJa/BKOU3Os4YCB4EqR5FeBEJ/SpQFYhtc51PjBK5j8MPs9t3UF1yhH4tTuvII3dDyL30NIu+U9nbE8kt"
          "KIhP63AB3wxNC+EHh0NvcdM4MweYqidexdvx4ZSpy6a8xRmsRTlEn9ZIb4LfEZicM9XWAN3ZG9PpMRHBi/27r92N2aX4ivt4"
          "qIgwYG/SxjnvvqoGQDp4E/nxcpX5dZWB9JTfgBOI8OIuEydaJoBy67bl0uCi0ZUHpDjHsPQpcvXjDen9eS9XQNn54IxV rsa"
          "-2048 vector"
          "\n",
      .pkcs8 = "-----BEGIN PRIVATE KEY-----\n"
               "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDQbmC0UFgAZVjX\n"
               "0DfpF2K1uFT6JDTVVnUGwtveVbXQ9GhJtaVDZvB20ssXLxlcI6IjTmoNnuKEJa/B\n"
               "KOU3Os4YCB4EqR5FeBEJ/SpQFYhtc51PjBK5j8MPs9t3UF1yhH4tTuvII3dDyL30\n"
               "NIu+U9nbE8ktKIhP63AB3wxNC+EHh0NvcdM4MweYqidexdvx4ZSpy6a8xRmsRTlE\n"
               "n9ZIb4LfEZicM9XWAN3ZG9PpMRHBi/27r92N2aX4ivt4qIgwYG/SxjnvvqoGQDp4\n"
               "E/nxcpX5dZWB9JTfgBOI8OIuEydaJoBy67bl0uCi0ZUHpDjHsPQpcvXjDen9eS9X\n"
               "QNn54IxVAgMBAAECggEAKZTjqQVgUQ/m9gMdrFxUfoFcPp0Lh0YcybEFMSlzQNEJ\n"
               "ny7kXfqC3Ym3J5RnYEjhl16U7Mu2T/u+wO/aLrcGF6hC6NYeamiGKbJ+hwSMt505\n"
               "lH2S3L8wAIl2rqpzQh3pmDtm8YIV0ImTT81N1bYfv8OGPoKYEy2aplzrtNE6XwhC\n"
               "dZhlnzm5jgjFqV0oelEEccH1ipXRjHlMCDTSIu0RJPpKO3zL8Vr8S4VtVWw+unQs\n"
               "B2C7+XYq5eo39HfgPR9GGbuD+wavHMe79HOghBx0WvrFoyZhZw12mWM7Syzar8XB\n"
               "RvsZVlJ7gme4cis4I1RiqPyad8/tO4fkeH8KZRJRYQKBgQDuw52jIUaMj0tpHmJX\n"
               "T02dyLOZ952aEoQgNjcIINPGOnTy/o5EabY7mK06ocPw9/FvtLaSz9IZDTNEC+Nk\n"
               "qAKvuQ7dVHDSa3SsGE4sEuxqBNeguXdxrwFLdo5C3taYRm1avbO6R1jZH7510eF3\n"
               "XjSld+oFQW9usHQoL5uD4OqZJQKBgQDfejS2psCbHQ+vR6WOGkBrt9cvWQQiWDuF\n"
               "t0pmha/OG4ruwHgpxdUt/CRfmVaMnHk61JbMEya0hLiXcmmWhtGzClf2nPSS5hfp\n"
               "91cyY4hEdhkDyvchVyYjsyalGOYdjxa6ujbLxKvTKDLuxWCnOQO7vNFUFxAEFpgk\n"
               "mwL17/w3cQKBgG0g13HyCY7BB9SZ4JTLWExfqUccF9qNz/nxDaIXbvPRUBaoJlo6\n"
               "fuIqXDLKMQZ4LM/DpxbfCcYNdHsLe/lLmT67tIGQ0Kg8GO13hnM6ivfCEtQRMPiy\n"
               "5kKZg1gpBag/uEebIQRpC8Dhc2nibczjL+jZMAsK52WOHOkpKUlTiaZJAoGBAJXj\n"
               "LT/kkAJ5d2+kqlGpIdQdteI33iH689E3olspB0VCC+kehnneCqGRIAROoFInENh4\n"
               "hbvSjH8/FV/eiRtAyZ1ALsdldlSgpyFxl7ZgM6FXZGe61g4ymY4QNrc8//qLYj9T\n"
               "bjU1b9lseNzU3YLLJsngVrYD0eYsEVdb8JxrncrBAoGBAI0NF48tQtFGPZvFOn2M\n"
               "Gh18BFcyK0gIdZuq4hPb6rkrh4UsnjcteaK1X2gPuza6PLehItjjgnbJBYZYVOug\n"
               "6UoEqytmdkymYeDEOTQ23IdRVgC77aEkj46Wv5ldr9N95106Y1rlElwSry1sLs+D\n"
               "TZeUXv8e0ZRw9U6A77wGbIec\n"
               "-----END PRIVATE KEY-----\n",
      .pkcs8_public = "-----BEGIN PUBLIC KEY-----\n"
                      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0G5gtFBYAGVY19A36Rdi\n"
                      "tbhU+iQ01VZ1BsLb3lW10PRoSbWlQ2bwdtLLFy8ZXCOiI05qDZ7ihCWvwSjlNzrO\n"
                      "GAgeBKkeRXgRCf0qUBWIbXOdT4wSuY/DD7Pbd1BdcoR+LU7ryCN3Q8i99DSLvlPZ\n"
                      "2xPJLSiIT+twAd8MTQvhB4dDb3HTODMHmKonXsXb8eGUqcumvMUZrEU5RJ/WSG+C\n"
                      "3xGYnDPV1gDd2RvT6TERwYv9u6/djdml+Ir7eKiIMGBv0sY5776qBkA6eBP58XKV\n"
                      "+XWVgfSU34ATiPDiLhMnWiaAcuu25dLgotGVB6Q4x7D0KXL14w3p/XkvV0DZ+eCM\n"
                      "VQIDAQAB\n"
                      "-----END PUBLIC KEY-----\n",
      .fingerprint = "SHA256:zEx8yg0uZyHikPpKXxsfs8O8pJWyvhTUuWFMaITLyfE" },
    { .type = "ssh-rsa",
      .bits = 1024,
      .openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                 "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAlwAAAAdzc2gtcn\n"
                 "NhAAAAAwEAAQAAAIEA6lo+BMBFMR9kC6dbdRxRi7rkSLgkA9hmiHz/nbJ3ROI5yXe+ckT2\n"
                 "mB3rqBe8llQn1i+C8w44d0MzuhudDImCWMZ9guKiX1HULqsL1IE21CaKej2vuc85YBpcNu\n"
                 "IvGu/opICWoXhclX3NPToNHrELXvWbOW7gbFPm77nXCv75OMEAAAIIsnjJH7J4yR8AAAAH\n"
                 "c3NoLXJzYQAAAIEA6lo+BMBFMR9kC6dbdRxRi7rkSLgkA9hmiHz/nbJ3ROI5yXe+ckT2mB\n"
                 "3rqBe8llQn1i+C8w44d0MzuhudDImCWMZ9guKiX1HULqsL1IE21CaKej2vuc85YBpcNuIv\n"
                 "Gu/opICWoXhclX3NPToNHrELXvWbOW7gbFPm77nXCv75OMEAAAADAQABAAAAgAjKHa1b8L\n"
                 "xo6v2s5zc7Oqu89LbtgRxLz3yrA4NMoECLI5O01AXBJGaMKLyDN2WD/oKAAa9QBzoh4RzH\n"
                 "0FoaBjNvzUSn98xixCdRzoHGwo/Wmo+zhc8tWke2L33IMO4IT5+KsDOVD7GsXy4u894bL/\n"
                 "QMS9YKWao5tw0aEpyhKReJAAAAQQCaDkD6CfJtBXMZ6aeH61cIPhFPE272XUt/klDNHn/h\n"
                 "2XSIbZeKlBF0I4agctvR/QuUE9n7VD6hF5HvX+CEkqc+AAAAQQD7T3YmU3NjxxYE6C7nqk\n"
                 "SWFkWV56cqv2S29A31vyB1a0yNONIH65AW8RuewVa5HRdYZE1RdAp72SjTM9HeOyILAAAA\n"
                 "QQDuucVeUWJkucSACdx1emBeAPv9PDsjzdDYwzCp6m9p3I0+LDT1NB8ECXuUAA7jguB623\n"
                 "GdjuZjEJuqeAgzhLvjAAAAD3JzYS0xMDI0IHZlY3RvcgECAw==\n"
                 "-----END OPENSSH PRIVATE KEY-----\n",
      .openssh_public =
          "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDqWj4EwEUxH2QLp1t1HFGLuuRIuCQD2GaIfP+dsndE4jnJd75yRPaYHeuo"
          "F7yWVCfWL4LzDjh3QzO6G50MiYJYxn2C4qJfUdQuqwvUgTbUJop6Pa+5zzlgGlw24i8a7+ikgJaheFyVfc09Og0esQte9Zs5"
          "buBsU+bvudcK/vk4wQ== rsa-1024 vector"
          "\n",
      .pkcs8 = "-----BEGIN PRIVATE KEY-----\n"
               "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAOpaPgTARTEfZAun\n"
               "W3UcUYu65Ei4JAPYZoh8/52yd0TiOcl3vnJE9pgd66gXvJZUJ9YvgvMOOHdDM7ob\n"
               "nQyJgljGfYLiol9R1C6rC9SBNtQmino9r7nPOWAaXDbiLxrv6KSAlqF4XJV9zT06\n"
               "DR6xC171mzlu4GxT5u+51wr++TjBAgMBAAECgYAIyh2tW/C8aOr9rOc3OzqrvPS2\n"
               "7YEcS898qwODTKBAiyOTtNQFwSRmjCi8gzdlg/6CgAGvUAc6IeEcx9BaGgYzb81E\n"
               "p/fMYsQnUc6BxsKP1pqPs4XPLVpHti99yDDuCE+firAzlQ+xrF8uLvPeGy/0DEvW\n"
               "ClmqObcNGhKcoSkXiQJBAPtPdiZTc2PHFgToLueqRJYWRZXnpyq/ZLb0DfW/IHVr\n"
               "TI040gfrkBbxG57BVrkdF1hkTVF0CnvZKNMz0d47IgsCQQDuucVeUWJkucSACdx1\n"
               "emBeAPv9PDsjzdDYwzCp6m9p3I0+LDT1NB8ECXuUAA7jguB623GdjuZjEJuqeAgz\n"
               "hLvjAkEArm//gKbYJ1/fRtSrCh7DsLIQ5vZ+sEtdayiIMBXUP+yUnEneb6TwxRvi\n"
               "ohVtTtyEgdRNXsZ/KGwZzE/h0rGU9QJASbNuvJyxnNlBUio5NseuQrdZFKhotbgP\n"
               "9yvjtUGcXflqXbx2KRGLVcq7rUiLUDASr7taC0OX2xPAi1N9bLJY8wJBAJoOQPoJ\n"
               "8m0Fcxnpp4frVwg+EU8TbvZdS3+SUM0ef+HZdIhtl4qUEXQjhqBy29H9C5QT2ftU\n"
               "PqEXke9f4ISSpz4=\n"
               "-----END PRIVATE KEY-----\n",
      .pkcs8_public = "-----BEGIN PUBLIC KEY-----\n"
                      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDqWj4EwEUxH2QLp1t1HFGLuuRI\n"
                      "uCQD2GaIfP+dsndE4jnJd75yRPaYHeuoF7yWVCfWL4LzDjh3QzO6G50MiYJYxn2C\n"
                      "4qJfUdQuqwvUgTbUJop6Pa+5zzlgGlw24i8a7+ikgJaheFyVfc09Og0esQte9Zs5\n"
                      "buBsU+bvudcK/vk4wQIDAQAB\n"
                      "-----END PUBLIC KEY-----\n",
      .fingerprint = "SHA256:hUPI3ni7BNUNienmF1QAGVHYAHkMbL6yrnWqyulkAnE" },
    { .type = "ecdsa-sha2-nistp256",
      .bits = 256,
      .openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                 "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"
                 "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQQVa7QDjRNSRddLflfO/OEsxsJyJs8Y\n"
                 "F4olElhtwB8gba83MXPeAbU7Q02vI82/MOKFFlPcwqtrOzqKQk0EGNk1AAAAqFgFSBZYBU\n"
                 "gWAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBVrtAONE1JF10t+\n"
                 "V8784SzGwnImzxgXiiUSWG3AHyBtrzcxc94BtTtDTa8jzb8w4oUWU9zCq2s7OopCTQQY2T\n"
                 "UAAAAgdG7tPnf0fcaYSM/LN/XH5A5uDvNgE0XSefHgAvv6iC8AAAAQZWNkc2EtMjU2IHZl\n"
                 "Y3Rvcg==\n"
                 "-----END OPENSSH PRIVATE KEY-----\n",
      .openssh_public =
          "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBVrtAONE1JF10t+V8784SzG"
          "wnImzxgXiiUSWG3AHyBtrzcxc94BtTtDTa8jzb8w4oUWU9zCq2s7OopCTQQY2TU= ecdsa-256 vector"
          "\n",
      .pkcs8 = "-----BEGIN PRIVATE KEY-----\n"
               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdG7tPnf0fcaYSM/L\n"
               "N/XH5A5uDvNgE0XSefHgAvv6iC+hRANCAAQVa7QDjRNSRddLflfO/OEsxsJyJs8Y\n"
               "F4olElhtwB8gba83MXPeAbU7Q02vI82/MOKFFlPcwqtrOzqKQk0EGNk1\n"
               "-----END PRIVATE KEY-----\n",
      .pkcs8_public = "-----BEGIN PUBLIC KEY-----\n"
                      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFWu0A40TUkXXS35XzvzhLMbCcibP\n"
                      "GBeKJRJYbcAfIG2vNzFz3gG1O0NNryPNvzDihRZT3MKrazs6ikJNBBjZNQ==\n"
                      "-----END PUBLIC KEY-----\n",
      .fingerprint = "SHA256:a2AQH6a6q+kZ4dct0Zpdk+Uy+kq/uWm9SigJRoMxCDg" },
    { .type = "ecdsa-sha2-nistp384",
      .bits = 384,
      .openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                 "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAiAAAABNlY2RzYS\n"
                 "1zaGEyLW5pc3RwMzg0AAAACG5pc3RwMzg0AAAAYQR72uKlsYxA7eiZuSRm9pRajKcEnkkU\n"
                 "Wj3hxqcSIfON30a0Edu34t6qNoDX8u22my9kWJGUZZkVUC/F9YQYInJ3NXM10iDSu5YFlC\n"
                 "pPxA47RhpAUajU2VIk2UJBLPHsGgsAAADYuX9Azrl/QM4AAAATZWNkc2Etc2hhMi1uaXN0\n"
                 "cDM4NAAAAAhuaXN0cDM4NAAAAGEEe9ripbGMQO3ombkkZvaUWoynBJ5JFFo94canEiHzjd\n"
                 "9GtBHbt+LeqjaA1/LttpsvZFiRlGWZFVAvxfWEGCJydzVzNdIg0ruWBZQqT8QOO0YaQFGo\n"
                 "1NlSJNlCQSzx7BoLAAAAMFE0zds12dWGUfLHuOJvdkq/bwJMBh/zznOgD+wYIuW11O7UAO\n"
                 "nDhFke3gnUYczAFAAAABBlY2RzYS0zODQgdmVjdG9y\n"
                 "-----END OPENSSH PRIVATE KEY-----\n",
      .openssh_public =
          "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBHva4qWxjEDt6Jm5JGb2lFqM"
          "pwSeSRRaPeHGpxIh843fRrQR27fi3qo2gNfy7babL2RYkZRlmRVQL8X1hBgicnc1czXSINK7lgWUKk/EDjtGGkBRqNTZUiTZ"
          "QkEs8ewaCw== ecdsa-384 vector"
          "\n",
      .pkcs8 = "-----BEGIN PRIVATE KEY-----\n"
               "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBRNM3bNdnVhlHyx7ji\n"
               "b3ZKv28CTAYf885zoA/sGCLltdTu1ADpw4RZHt4J1GHMwBShZANiAAR72uKlsYxA\n"
               "7eiZuSRm9pRajKcEnkkUWj3hxqcSIfON30a0Edu34t6qNoDX8u22my9kWJGUZZkV\n"
               "UC/F9YQYInJ3NXM10iDSu5YFlCpPxA47RhpAUajU2VIk2UJBLPHsGgs=\n"
               "-----END PRIVATE KEY-----\n",
      .pkcs8_public = "-----BEGIN PUBLIC KEY-----\n"
                      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEe9ripbGMQO3ombkkZvaUWoynBJ5JFFo9\n"
                      "4canEiHzjd9GtBHbt+LeqjaA1/LttpsvZFiRlGWZFVAvxfWEGCJydzVzNdIg0ruW\n"
                      "BZQqT8QOO0YaQFGo1NlSJNlCQSzx7BoL\n"
                      "-----END PUBLIC KEY-----\n",
      .fingerprint = "SHA256:Kzway6XkK0frNHZUcdp74WsX0JDYa3O48OkcPGqug6U" },
    { .type = "ecdsa-sha2-nistp521",
      .bits = 521,
      .openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                 "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAArAAAABNlY2RzYS\n"
                 "1zaGEyLW5pc3RwNTIxAAAACG5pc3RwNTIxAAAAhQQACvMOn27WCy0e7TNs+GYMo21ROYrx\n"
                 "i48byVlFMh9P+/XqmylEm988j6FlC8ok3+Q03P4hxGaWngTxDfy7ZCSahBYBkIe5pf5rLa\n"
                 "jjPcXINvvm5MESMxzNcLnwzJvfaCTQYp5Fdu7qnUV0um0FeE4eVTtj2h/9UlorvqiBY1i+\n"
                 "wpllMIgAAAEQI7PgLiOz4C4AAAATZWNkc2Etc2hhMi1uaXN0cDUyMQAAAAhuaXN0cDUyMQ\n"
                 "AAAIUEAArzDp9u1gstHu0zbPhmDKNtUTmK8YuPG8lZRTIfT/v16pspRJvfPI+hZQvKJN/k\n"
                 "NNz+IcRmlp4E8Q38u2QkmoQWAZCHuaX+ay2o4z3FyDb75uTBEjMczXC58Myb32gk0GKeRX\n"
                 "bu6p1FdLptBXhOHlU7Y9of/VJaK76ogWNYvsKZZTCIAAAAQRT0W/Wyxw+SI6Esb60EcT7g\n"
                 "s5RgWrvjeeOk75svJwd2AoTN9ncbUfw/+uJZ3E3LCpZUjPRZ2ZdaF/xS+tSpENC4AAAAEG\n"
                 "VjZHNhLTUyMSB2ZWN0b3IBAgM=\n"
                 "-----END OPENSSH PRIVATE KEY-----\n",
      .openssh_public =
          "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAAK8w6fbtYLLR7tM2z4Zgyj"
          "bVE5ivGLjxvJWUUyH0/79eqbKUSb3zyPoWULyiTf5DTc/iHEZpaeBPEN/LtkJJqEFgGQh7ml/mstqOM9xcg2++bkwRIzHM1w"
          "ufDMm99oJNBinkV27uqdRXS6bQV4Th5VO2PaH/1SWiu+qIFjWL7CmWUwiA== ecdsa-521 vector"
          "\n",
      .pkcs8 = "-----BEGIN PRIVATE KEY-----\n"
               "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAFPRb9bLHD5IjoSxv\n"
               "rQRxPuCzlGBau+N546Tvmy8nB3YChM32dxtR/D/64lncTcsKllSM9FnZl1oX/FL6\n"
               "1KkQ0LihgYkDgYYABAAK8w6fbtYLLR7tM2z4ZgyjbVE5ivGLjxvJWUUyH0/79eqb\n"
               "KUSb3zyPoWULyiTf5DTc/iHEZpaeBPEN/LtkJJqEFgGQh7ml/mstqOM9xcg2++bk\n"
               "wRIzHM1wufDMm99oJNBinkV27uqdRXS6bQV4Th5VO2PaH/1SWiu+qIFjWL7CmWUw\n"
               "iA==\n"
               "-----END PRIVATE KEY-----\n",
      .pkcs8_public = "-----BEGIN PUBLIC KEY-----\n"
                      "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQACvMOn27WCy0e7TNs+GYMo21ROYrx\n"
                      "i48byVlFMh9P+/XqmylEm988j6FlC8ok3+Q03P4hxGaWngTxDfy7ZCSahBYBkIe5\n"
                      "pf5rLajjPcXINvvm5MESMxzNcLnwzJvfaCTQYp5Fdu7qnUV0um0FeE4eVTtj2h/9\n"
                      "UlorvqiBY1i+wpllMIg=\n"
                      "-----END PUBLIC KEY-----\n",
      .fingerprint = "SHA256:eSRR1Lw/d5uR5Kv6aPQiKVM3+X4FzpPE6n46BdXYX6U" },
};

#define KEY_FIXTURES (sizeof key_fixtures / sizeof key_fixtures[0])
#define FIXTURE_RSA_2048 (&key_fixtures[0])
#define FIXTURE_RSA_1024 (&key_fixtures[1])
#define FIXTURE_ECDSA_256 (&key_fixtures[2])
#define FIXTURE_ECDSA_384 (&key_fixtures[3])
#define FIXTURE_ECDSA_521 (&key_fixtures[4])

#endif
