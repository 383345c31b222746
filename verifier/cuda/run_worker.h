// `kopt-worker-cuda run ORDINAL`: the process of one candidate and its baseline. The requests (frames.h), each with
// "do" and, where it says so, one descriptor of memory with a cubin:
//
//   kernels   +cubin                    kopt's own kernels; the first request
//   module    id +cubin                 -> functions {name: [registers, local bytes, shared bytes, threads a block]},
//                                          variables, imports; nothing of it may run if imports are refused. Or
//                                          refused "why": its variables cannot all be known and restored
//   occupancy module function threads shared -> blocks
//   set       id, BufferSet's json +descriptors -> +descriptors of the working memory
//   drop      sets [id]
//   plan      id module, Plan's json
//   call      plan set poison seed seconds   one call, not timed -> digests, damage
//   time      plan sets [id] poison seed seconds move   a timed batch on these sets, which lie elsewhere from now on
//                                          if `move` -> us, digests, damage
//   records   plan set poison seed seconds library   a call prepared as a timed one -> records {us, sum_us}: from the
//                                          first kernel's start to the last one's end, and of all kernels, by CUPTI;
//                                          or null and why. Calls are slower from then on
//   profile   plan set poison seed call_seconds library metrics [name] steps (Plan's json)
//                                       calls prepared as timed ones -> kernels [{name, blocks, resident_blocks,
//                                          resident_warps, most_warps, limit, values [of the metrics]}] in order of
//                                          launch, lines [{kernel, line, waits {reason: samples}}], seconds; why,
//                                          why_no_lines: what is not there. Nothing is timed after it
//   clock                               -> mhz, once two stamps agree within 1 %
//   rate      module function blocks threads shared bytes repeats seconds -> us of the fastest launch, with two buffers
//                                          (calibration_kernels.cu)
//
// damage: {"image": n, "late", "early": words of outputs that changed after their call had ended, or before it began}
// and, by set, {"around": [n by inout and output], "gaps": [...], "scratch": [...]}.
#pragma once

namespace kopt::worker {

int RunWorker(int argc, char** argv);

}  // namespace kopt::worker
