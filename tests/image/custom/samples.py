"""Values as people have them: an archive's key, an SSH key, hashes of the password "tea"."""

PGP_KEY = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawHMThYJKwYBBAHaRw8BAQdAL1XW1zvyxEemR3nXWfwawRTUNqC6lLnLzvYH
fQgcbEi0IEFuIGFyY2hpdmUgPGFyY2hpdmVAZXhhbXBsZS5vcmc+iJAEExYIADgW
IQR20SKZLH262sbslOtQYDKh2oGr0wUCawHMTgIbAwULCQgHAgYVCgkICwIEFgID
AQIeAQIXgAAKCRBQYDKh2oGr01liAP0d8rCBIGny+7Pj1byROWQtnuE/9dC+XNrP
vqa7a/3RzQEA+U51SZlhfgDBDtrJ5LuxQDCXqRHVD7attKpqnFwVFA0=
=vD+u
-----END PGP PUBLIC KEY BLOCK-----
"""
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL+9BImHRqNVUote6vEBZaUvX/BznoaKwKgzU6jOTu4k ana@example.org"
YESCRYPT = "$y$j9T$isobuild./$ofSO10p2JoZYF9jJqgeFTjk667/du4IXHX9aL0R/0G6"
SHA256 = "$5$tea$g1mTxtcIcls2iudO.2Lycm2YRiNjA8ZKwNxh2Krlev7"
SHA512 = "$6$isobuild$Ux99my/Kg/p70qgTMNET6pSmClZNRn65tBCd1BPiyQbdcpPAKBh8sjvMJhPvhYUQo5NfY9X6xNRv/Yn560mLr0"
UPLOAD = f"upload:{'0123456789abcdef' * 4}"
REPOSITORY = {"uri": "https://packages.example.org/debian", "suite": "stable", "key": PGP_KEY}
