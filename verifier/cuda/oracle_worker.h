// `kopt-worker-cuda oracle ORDINAL`: the process that knows the truth on a device. No candidate code enters it. The
// requests (frames.h), each with "do":
//
//   kernels  +cubin                      verifier/cuda/output_kernels.h; the first request
//   oracle   +cubin                      the task's references: verifier/cuda/oracle_text.h
//   draw     set dims scalars tensors [{tensor place layout distribution gaps | bytes}] code [kernel] +memory
//              draws inputs and inouts, into the mappings of that set if there are any; `bytes`: takes them from the
//              memory, where they lie one after the other; none of these: zeros; then
//              runs the codes -> +descriptors of each one's mapping
//   solve    set results [{tensor elements real}] kernels tuples
//              -> seconds, control, unwritten [[tensor, element]]
//   answer   set results [{tensor elements real}] +memory
//              takes an answer: of each value and variance, or integers
//   foreign  set outputs [{tensor place layout}]
//              -> +descriptors of mappings with the truth as a candidate would store it
//   attach   memory [{tensor place}] id +descriptors     a candidate's outputs, to read
//   hold     memory [{tensor place}] id +memory          outputs of kopt's own in a candidate's place
//   detach   id
//   compare  set id outputs [{tensor rule layout}]
//              -> +memory with the parts, one output after the other
//   accept   set id kernel -> control
//   truth    set tensor ranges
//              -> +memory: value and variance, or integers, of these stretches of elements [first, count]; none: of all
//   input    set tensor ranges -> +memory: its bytes, likewise
//   forget   sets [id]
//   processes -> process ids on the device, or null
//
// Structs (layouts, rules, parts, control) travel as arrays of their bytes.
#pragma once

namespace kopt::worker {

int OracleWorker(int argc, char** argv);

}  // namespace kopt::worker
