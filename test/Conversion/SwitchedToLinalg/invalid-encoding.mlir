// RUN: not portolan-opt %s --convert-switched-to-linalg=fp8=e3m4 2>&1 | FileCheck %s

// CHECK: error: fp8: expects e4m3fn, e5m2, e4m3, e4m3fnuz or e4m3b11fnuz, got 'e3m4'
module {}
