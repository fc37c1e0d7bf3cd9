// What a loader of Xen guests has to know about this image. Source: public/elfnote.h.
#define __ASSEMBLY__ 1
#include <xen/elfnote.h>
#include <xen/features.h>

.set VIRT_BASE, 0xffffffff80000000

.macro xen_note type, directive, value:vararg
  .pushsection .note.Xen, "a", @note
  .balign 4
  .long 2f - 1f, 4f - 3f, \type
1: .asciz "Xen"
2: .balign 4
3: \directive \value
4: .balign 4
  .popsection
.endm

xen_note XEN_ELFNOTE_GUEST_OS, .asciz, "assay-agent"
xen_note XEN_ELFNOTE_GUEST_VERSION, .asciz, "1"
xen_note XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
xen_note XEN_ELFNOTE_LOADER, .asciz, "generic"
xen_note XEN_ELFNOTE_VIRT_BASE, .quad, VIRT_BASE
xen_note XEN_ELFNOTE_PADDR_OFFSET, .quad, 0
xen_note XEN_ELFNOTE_ENTRY, .quad, agent_pv_entry
xen_note XEN_ELFNOTE_HYPERCALL_PAGE, .quad, hypercall_page
xen_note XEN_ELFNOTE_FEATURES, .asciz, "pae_pgdir_above_4gb"
xen_note XEN_ELFNOTE_SUPPORTED_FEATURES, .long, \
  (1 << XENFEAT_pae_pgdir_above_4gb) | (1 << XENFEAT_hvm_callback_vector) | (1 << XENFEAT_dom0)
xen_note XEN_ELFNOTE_PHYS32_ENTRY, .long, agent_pvh_entry - VIRT_BASE

.section .hypercall_page, "ax", @progbits
.balign 4096
.globl hypercall_page
hypercall_page:
  .fill 4096, 1, 0xcc

.section .note.GNU-stack, "", @progbits
