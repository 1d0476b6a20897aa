"""A machine with hardware virtualization, made in software: hvt and xen images boot where there is neither KVM nor Xen.

QEMU emulates an AMD processor with its virtualization (SVM, nested paging). A kernel of Debian's runs there, and
on it the real tender: solo5-hvt on kvm-amd, or Xen with xl. Nothing of the host's /dev/kvm is used.
"""
