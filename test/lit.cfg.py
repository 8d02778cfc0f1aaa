# Configuration of Portolan's lit tests. %S/Inputs holds a test's input files.
import os
import shutil
import subprocess
import lit.formats
from lit.llvm import llvm_config

config.name = "Portolan"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.portolan_build_dir, "test")
config.substitutions.append(("%plugin", os.path.join(config.portolan_build_dir, "lib", "PortolanPlugin.so")))
config.substitutions.append(("%source", config.portolan_source_dir))
probe = os.path.join(config.portolan_build_dir, "test", "bin", "MpiProbe")
config.substitutions.append(("%mpi-probe", probe))
# Built with MPI, and its launcher is there.
if os.path.exists(probe) and shutil.which("mpirun"):
    config.available_features.add("mpi")
# CUDA's assembler: not of Debian, so tests that ask it are for those who have one
# that knows all targets.
cuda = [os.path.join(root, "bin") for root in (os.environ.get("CUDA_HOME"), "/usr/local/cuda") if root]
ptxas = shutil.which("ptxas") or shutil.which("ptxas", path=os.pathsep.join(cuda))
if ptxas and "sm_103a" in subprocess.run([ptxas, "--help"], capture_output=True, text=True).stdout:
    config.available_features.add("ptxas")
    config.substitutions.append((r"\bptxas\b(?=.*-arch)", ptxas))
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.use_default_substitutions()
llvm_config.add_tool_substitutions(
    ["portolan-opt", "portolan-translate", "portolan", "mlir-opt", "split-file"],
    [os.path.join(config.portolan_build_dir, "bin"), config.llvm_tools_dir])
