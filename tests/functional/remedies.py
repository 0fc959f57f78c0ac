# SPDX-License-Identifier: GPL-2.0
"""Where each command or parameter that rfm or a module tells somebody to use is executed.

By source and command, as style/test_remedies.py finds them in the sources.
"""

REMEDIES = "tests/functional/test_remedies.py"
COMMAND_LINE = f"{REMEDIES}::test_command_line"
STATES = f"{REMEDIES}::test_states"
BOOTS = f"{REMEDIES}::test_boots_that_fail_or_are_interrupted"
INSIST = f"{REMEDIES}::test_siblings"
BOOT_WITH = f"{REMEDIES}::test_boot_with"
HELPER = f"{REMEDIES}::test_helper_that_cannot_be_executed"
NOT_LOADED = f"{REMEDIES}::test_module_that_is_not_loaded"
OLDER = "tests/functional/test_upgrade.py::test_older_module"
RACE = "tests/functional/test_siblings.py::test_module_looks_too"
VIRTUAL = "tests/functional/test_pci.py::test_virtual_functions"
IN_USE = "tests/functional/test_pci.py::test_in_use"
ATS = "tests/functional/test_storage.py::test_cached_translations"
SETTINGS = "tests/functional/test_settings.py::test_as_before_or_said"
PACKAGES = "tests/functional/test_packages.py::test_from_packages_to_a_subos"
APPLY = "tests/functional/test_apply.py::test_what_refusals_tell_to_do"
INSIDE = "tests/functional/test_lifecycle.py::test_kexec_and_sleep_are_refused"

EXECUTED = {
    ("rfm/src/base/pci_address.cpp", "rfm pci"): COMMAND_LINE,
    ("rfm/src/cli/verb.cpp", "rfm help"): COMMAND_LINE,
    ("rfm/src/client/ioctl.cpp", "insist with --allow-smt-split"): RACE,
    ("rfm/src/client/ioctl.cpp", "rfm check"): OLDER,
    ("rfm/src/client/ioctl.cpp", "rfm list"): RACE,
    ("rfm/src/client/partition.cpp", "rfm destroy"):
        "tests/fault/test_park.py::test_nothing_comes_back_from_a_core_that_runs_on",
    ("rfm/src/client/problem.cpp", "pci=noats"): ATS,
    ("rfm/src/client/problem.cpp", "rfm pci"): COMMAND_LINE,
    ("rfm/src/client/supervisor.cpp", "modprobe rf_supervisor"): NOT_LOADED,
    ("rfm/src/host/device_users.cpp", "give --force"): IN_USE,
    ("rfm/src/main.cpp", "rfm help"): COMMAND_LINE,
    ("rfm/src/main.cpp", "ulimit -n"): f"{REMEDIES}::test_few_files",
    ("rfm/src/operations/await_running.cpp", "rfm destroy"): BOOTS,
    ("rfm/src/operations/await_running.cpp", "rfm list"): BOOTS,
    ("rfm/src/operations/await_running.cpp", "rfm log"): BOOTS,
    ("rfm/src/operations/restart_operation.cpp", "rfm restart"): STATES,
    ("rfm/src/operations/restart_operation.cpp", "rfm restart --force"): STATES,
    ("rfm/src/operations/set_operation.cpp", "rfm restart"): APPLY,
    ("rfm/src/operations/set_operation.cpp", "rfm set"): APPLY,
    ("rfm/src/operations/set_operation.cpp", "rfm start"): APPLY,
    ("rfm/src/operations/state_watch.cpp", "rfm start"): APPLY,
    ("rfm/src/operations/stop_operation.cpp", "rfm stop --force"): STATES,
    ("rfm/src/operations/virtual_functions.cpp", "rfm pci"): VIRTUAL,
    ("rfm/src/plan/abi_requirement.cpp", "modprobe -r rf_supervisor"): OLDER,
    ("rfm/src/plan/abi_requirement.cpp", "modprobe rf_supervisor"): OLDER,
    ("rfm/src/plan/apply_plan.cpp", "rfm destroy"): APPLY,
    ("rfm/src/plan/apply_plan.cpp", "rfm start"): APPLY,
    ("rfm/src/plan/core_choice.cpp", "insist with --allow-smt-split"): INSIST,
    ("rfm/src/plan/create_options.cpp", "give --until"): COMMAND_LINE,
    ("rfm/src/plan/drop_in.cpp", "rfm setup --apply"): PACKAGES,
    ("rfm/src/plan/drop_in.cpp", "rfm setup --remove"): PACKAGES,
    ("rfm/src/plan/losses.cpp", "taskset -pc"): SETTINGS,
    ("rfm/src/plan/losses.cpp", "echo"): SETTINGS,
    ("rfm/src/plan/pci_requirements.cpp", "pci=noats"): ATS,
    ("rfm/src/plan/pci_requirements.cpp", "rfm pci"): COMMAND_LINE,
    ("rfm/src/plan/requirements.cpp", "modprobe rf_supervisor"): NOT_LOADED,
    ("rfm/src/plan/requirements.cpp", "rmmod rf_supervisor"): HELPER,
    ("rfm/src/plan/requirements.cpp", "no_ipi_broadcast=1"): BOOT_WITH,
    ("rfm/src/plan/requirements.cpp", "possible_cpus=16"): BOOT_WITH,
    ("rfm/src/plan/requirements.cpp", "run rfm check"): f"{REMEDIES}::test_not_root",
    ("rfm/src/plan/setup_plan.cpp", "intremap=off"): PACKAGES,
    ("rfm/src/plan/setup_plan.cpp", "no_ipi_broadcast=1"): PACKAGES,
    ("rfm/src/plan/resize_plan.cpp", "insist with --allow-smt-split"): INSIST,
    ("rfm/src/plan/setting.cpp", "rfm create"): APPLY,
    ("rfm/src/plan/setting.cpp", "rfm destroy"): APPLY,
    ("rfm/src/plan/setting.cpp", "rfm resize"): APPLY,
    ("rfm/src/verbs/apply.cpp", "rfm apply --restart"):
        "tests/functional/test_apply.py::test_export_and_apply",
    ("rfm/src/verbs/help.cpp", "rfm check"): OLDER,
    ("rfm/src/verbs/help.cpp", "rfm help"): COMMAND_LINE,
    ("rfm/src/verbs/move.cpp", "rfm return"):
        "tests/functional/test_siblings.py::test_one_loan_keeps_no_others",
    ("rfm/src/verbs/pci.cpp", "rfm pci"): COMMAND_LINE,
    ("rfm/src/verbs/resize.cpp", "give --cores"): INSIST,
    ("rfm/src/view/no_log.cpp", "rfm start"): STATES,
    ("subos/shutdown.c", "rfm dump"): INSIDE,
    ("subos/shutdown.c", "rfm restart"): INSIDE,
    ("subos/shutdown.c", "rfm stop"): INSIDE,
    ("supervisor/base/platform.c", "boot with no_ipi_broadcast=1"): BOOT_WITH,
    ("supervisor/base/platform.c", "boot with possible_cpus=16"): BOOT_WITH,
    ("supervisor/cores/cores.c", "echo 1 >"):
        "tests/functional/test_siblings.py::test_smt_comes_on_later",
    ("supervisor/cores/take.c", "write 1 to"):
        "tests/fault/test_park.py::test_core_that_cannot_be_held_is_not_given",
}  # fmt: skip

# Why not.
NOT_IN_THE_LAB = {
    ("rfm/boot/word_rules.cpp", "rfm console"): "names another way to see what was asked for",
    ("rfm/boot/word_rules.cpp", "rfm dump"): "names another way to get what was asked for",
    ("rfm/src/client/problem.cpp", "intel_iommu=on"): "the lab's machines with an IOMMU have it on",
    ("rfm/src/client/problem.cpp", "intremap=off"): "the lab's machine has remapping on for that test only",
    ("rfm/src/host/module_build.cpp", "apt install"): "no archive of packages can be reached there",
    ("rfm/src/host/module_build.cpp", "dkms autoinstall"): "wants compilers: see rfm/tests/module_build_test.cpp",
    ("rfm/src/host/module_build.cpp", "make install"): "is how the lab's own modules are built",
    ("rfm/src/host/program.cpp", "apt install"): "no archive of packages can be reached there",
    ("rfm/src/operations/restart_operation.cpp", "rfm start"): "needs a signal in the middle of a restart",
    ("rfm/src/operations/stop_operation.cpp", "rfm list"): "needs a signal in the middle of a stop",
    ("rfm/src/plan/apply_plan.cpp", "rfm log"): "needs a subOS that is met while it boots or is lost",
    ("rfm/src/plan/create_options.cpp", "rfm create"): "needs a subOS that another program has made",
    ("rfm/src/plan/kernel_check.cpp", "--force tries"): "no kernel of the lab's lacks any of it: see features_test.cpp",
    ("rfm/src/plan/losses.cpp", "chrt -o -p"): "the lab's deadline tasks are ended instead",
    ("rfm/src/plan/memory_requirements.cpp", "movablecore=SIZE"): "the size is for the operator to choose",
    ("rfm/src/plan/pci_requirements.cpp", "intel_iommu=on"): "the lab's machines with an IOMMU have it on",
    ("rfm/src/plan/pci_requirements.cpp", "intremap=off"): "the lab's machine has remapping on for that test only",
    ("rfm/src/plan/requirements.cpp", "apt install"): "no archive of packages can be reached there",
    ("rfm/src/plan/requirements.cpp", "intremap=off"): "x2APIC mode is not there on the lab's machines",
    ("rfm/src/plan/requirements.cpp", "kdump-config reload"): "kdump-tools are not in the lab's roots",
    ("rfm/src/plan/requirements.cpp", "ln -s /dev/null"): "kdump-tools are not in the lab's roots",
    ("rfm/src/plan/requirements.cpp", "udevadm control"): "kdump-tools are not in the lab's roots",
    ("rfm/src/plan/requirements.cpp", "take lockdown= off"): "lockdown is switched on at run time there",
    ("rfm/src/verbs/destroy.cpp", "rfm destroy"): "happens if another program destroys it meanwhile",
    ("rfm/src/verbs/image.cpp", "give --boot"): "a note at the end of what takes minutes to make",
    ("rfm/src/verbs/image.cpp", "give --kernel"): "a note at the end of what takes minutes to make",
    ("rfm/src/plan/setup_pool.cpp", "run rfm setup"): "the lab's commands are all run as root",
    ("rfm/src/verbs/image.cpp", "rfm create"): "says what needs the modules, and is no remedy",
    ("rfm/src/view/no_log.cpp", "rfm restart --force"): "needs a core that stops in a trampoline",
    ("supervisor/base/platform.c", "boot with mem_encrypt=off"): "no processor there encrypts memory",
    ("supervisor/base/platform.c", "boot with nox2apic"): "x2APIC mode is not there on the lab's machines",
}  # fmt: skip
