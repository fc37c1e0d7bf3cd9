/// What the plugin calls of QEMU's interface for plugins, version 1, declared as its documentation describes it:
/// Debian's QEMU loads plugins, but no package has a header for them. QEMU itself resolves the functions. C11, as they
/// are. Source: QEMU 7.2, "QEMU TCG Plugins".
#ifndef ASSAY_SIM_TARGET_XEN_EDGES_QEMU_PLUGIN_H
#define ASSAY_SIM_TARGET_XEN_EDGES_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_PLUGIN_INTERFACE 1 /**< told to QEMU in `qemu_plugin_version` */
#define ASSAY_PLUGIN_TOUCHES_NO_REGISTERS 0

struct qemu_info_t; /* what QEMU is, which this plugin does not ask */
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*assay_on_translation)(uint64_t plugin, struct qemu_plugin_tb* block);
typedef void (*assay_on_execution)(unsigned int vcpu, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, assay_on_translation call);
/// From within a translation: `call` comes before each execution of the block.
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block, assay_on_execution call, int flags, void* data);

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* instruction);

/* What QEMU looks for in a plugin. */
extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t plugin, const struct qemu_info_t* info, int argc, char** argv);

#ifdef __cplusplus
}
#endif

#endif
