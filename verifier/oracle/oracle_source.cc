#include "verifier/oracle/oracle_source.h"

#include <algorithm>
#include <cctype>

#include "verifier/oracle/oracle_code.h"

namespace kopt {

extern const std::string_view kOracleLoopsText, kRealText, kOracleRuntimeText;  // embedded: the .h of those names

namespace {

std::string_view ElementType(const Tensor& tensor) {
  if (tensor.role == Tensor::Role::kTemp) return "double";
  static constexpr std::string_view kTypes[kDTypeCount] = {
      "double", "float",       "kopt_f16",           "kopt_bf16", "kopt_e4m3",      "kopt_e5m2",     "long long", "int",
      "short",  "signed char", "unsigned long long", "unsigned",  "unsigned short", "unsigned char", "kopt_bool"};
  return kTypes[static_cast<int>(tensor.dtype)];
}
std::string_view ScalarType(const Scalar& scalar) { return ElementType(Tensor{.dtype = scalar.dtype}); }
bool HoldsReals(const Tensor& tensor) { return tensor.role == Tensor::Role::kTemp || IsFloating(tensor.dtype); }
bool IsStored(const Tensor& tensor) { return tensor.IsWritten() || tensor.role == Tensor::Role::kTemp; }

// An integer expression of a spec as C++: literals become long long, functions the runtime's.
std::string CppExpression(const std::string& text) {
  std::string cpp;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      cpp += text[i++];
      continue;
    }
    size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    const size_t next = text.find_first_not_of(" \t\r\n", end);
    const bool number = std::isdigit(static_cast<unsigned char>(text[i]));
    const bool call = !number && next != std::string::npos && text[next] == '(';
    cpp += (call ? "kopt_" : "") + text.substr(i, end - i) + (number ? "LL" : "");
    i = end;
  }
  return "(long long)(" + cpp + ")";
}

std::string Joined(const std::vector<Expr>& expressions) {
  std::string text;
  for (const Expr& expression : expressions) text += (text.empty() ? "" : ", ") + CppExpression(expression.text());
  return text;
}

// "kopt_layout<2, true>{...}": extents and strides from the expressions.
std::string Layout(const Tensor& tensor, size_t index, bool logical) {
  const bool dense = logical || tensor.strides.empty();
  return fmt::format("kopt_layout<{}, {}>{{kopt_a.control(), {}, {{{}}}, {{{}}}}}", tensor.shape.size(), dense, index,
                     Joined(tensor.shape), dense ? "" : Joined(tensor.strides));
}

// A struct with one call operator: members, what initialises them, and what it does.
struct Function {
  std::string name;
  std::vector<std::string> members, initialisers;
  std::string body;

  void Add(std::string member, const std::string& member_name, const std::string& initialiser) {
    members.push_back(std::move(member) + " " + member_name + ";");
    initialisers.push_back(member_name + initialiser);
  }
  std::string Text() const {
    return fmt::format(
        "struct {} : kopt_scope {{\n  {}\n\n  explicit {}(kopt_arguments kopt_a)\n      : {} {{}}\n\n{}}};\n\n", name,
        fmt::join(members, "\n  "), name, fmt::join(initialisers, ",\n        "), body);
  }
};

Function NewFunction(const Spec& spec, int number) {
  Function f{.name = fmt::format("kopt_function_{}", number)};
  f.Add("kopt_control* const", "kopt_state", "(kopt_a.control())");
  for (size_t i = 0; i < spec.dims.size(); ++i)
    f.Add("const long long", spec.dims[i], fmt::format("(kopt_a.dim({}))", i));
  for (size_t i = 0; i < spec.scalars.size(); ++i) {
    const Scalar& scalar = spec.scalars[i];
    f.Add(IsFloating(scalar.dtype) ? "const real" : "const long long", scalar.name,
          fmt::format("(kopt_a.scalar<{}>({}))", ScalarType(scalar), i));
  }
  return f;
}

void AddInput(Function& f, const Tensor& tensor, size_t index, const std::string& name) {
  f.Add(fmt::format("kopt_input<{}, {}, {}>", ElementType(tensor), tensor.shape.size(), tensor.strides.empty()), name,
        fmt::format("{{{}, kopt_a.data<{}>({})}}", Layout(tensor, index, false), ElementType(tensor), index));
}

void AddOutput(Function& f, const Tensor& tensor, size_t index) {
  f.Add(fmt::format("kopt_output<{}, {}>", ElementType(tensor), tensor.shape.size()), tensor.name,
        fmt::format("{{{}, kopt_a.value<{}>({}), kopt_a.variance({}), kopt_a.owner({})}}", Layout(tensor, index, true),
                    HoldsReals(tensor) ? "double" : "long long", index, index, index));
}

void AddWriter(Function& f, const Tensor& tensor, size_t index) {
  f.Add(fmt::format("kopt_writer<{}, {}, {}>", ElementType(tensor), tensor.shape.size(), tensor.strides.empty()),
        tensor.name,
        fmt::format("{{{}, kopt_a.data<{}>({})}}", Layout(tensor, index, false), ElementType(tensor), index));
}

void AddTruthAndGot(Function& f, const Tensor& tensor, size_t index) {
  const std::string_view type = ElementType(tensor), held = HoldsReals(tensor) ? "double" : "long long";
  const size_t rank = tensor.shape.size();
  f.Add(fmt::format("kopt_plain<{}, {}, {}, true>", type, held, rank), "truth_" + tensor.name,
        fmt::format("{{{}, kopt_a.value<{}>({})}}", Layout(tensor, index, true), held, index));
  if (!tensor.IsWritten()) return;
  f.Add(fmt::format("kopt_plain<{}, {}, {}, {}>", type, type, rank, tensor.strides.empty()), "got_" + tensor.name,
        fmt::format("{{{}, kopt_a.got<{}>({})}}", Layout(tensor, index, false), type, index));
}

// The loop extents as members, the number of tuples, the extent of the last index, and the call operator that takes a
// tuple number apart.
void AddTuples(Function& f, const std::vector<Over>& over, const std::string& result, const std::string& prepare,
               const std::string& code) {
  std::string count = "1", indices, arguments, parameters;
  for (size_t d = 0; d < over.size(); ++d) {
    const std::string extent = fmt::format("kopt_extent_{}", d);
    f.Add("const long long", extent, fmt::format("({})", CppExpression(over[d].extent.text())));
    count += " * " + extent;
    arguments += fmt::format("{}kopt_i{}", d ? ", " : "", d);
    parameters += fmt::format("{}[[maybe_unused]] const long long {}", d ? ", " : "", over[d].index);
  }
  for (size_t d = over.size(); d-- > 0;)
    indices += d == 0 ? "    const long long kopt_i0 = kopt_rest;\n"
                      : fmt::format(
                            "    const long long kopt_i{0} = kopt_rest % kopt_extent_{0};\n"
                            "    kopt_rest /= kopt_extent_{0};\n",
                            d);
  f.body += fmt::format(
      "  long long kopt_count() const {{ return {}; }}\n"
      "  long long kopt_columns() const {{ return {}; }}\n"
      "  [[gnu::always_inline]] {} operator()(long long kopt_tuple) {}{{\n{}"
      "    [[maybe_unused]] long long kopt_rest = kopt_tuple;\n{}    return kopt_code({});\n  }}\n"
      "  [[gnu::always_inline]] {} kopt_code({}) const {{\n    {{\n{}    }}\n{}  }}\n",
      count, over.empty() ? "1" : fmt::format("kopt_extent_{}", over.size() - 1), result,
      prepare.empty() ? "const " : "", prepare, indices, arguments, result, parameters, code,
      result == "bool" ? "    return false;\n" : "");
}

std::string BeginText(const Spec& spec) {
  Function f = NewFunction(spec, kOracleBegin);
  f.body = "  void kopt_run() const {\n";
  for (size_t t = 0; t < spec.tensors.size(); ++t) {
    const Tensor& tensor = spec.tensors[t];
    if (!IsStored(tensor)) continue;
    AddOutput(f, tensor, t);
    if (tensor.IsRead()) {
      AddInput(f, tensor, t, "kopt_input_" + tensor.name);
      f.body += fmt::format("    {0}.copy(kopt_input_{0}, kopt_state->tuple_count > 0);\n", tensor.name);
    } else {
      f.body += fmt::format("    {}.clear();\n", tensor.name);
    }
  }
  f.body += "  }\n";
  return f.Text();
}

std::string ReferenceText(const Spec& spec, const Reference& reference, int number) {
  Function f = NewFunction(spec, number);
  std::string prepare, begin;
  for (size_t t = 0; t < spec.tensors.size(); ++t) {
    const Tensor& tensor = spec.tensors[t];
    if (!IsStored(tensor)) {
      AddInput(f, tensor, t, tensor.name);
      continue;
    }
    AddOutput(f, tensor, t);
    prepare += fmt::format("    {}.mine = kopt_owner_of(kopt_tuple);\n", tensor.name);
    begin += fmt::format("    {}.begin_reference();\n", tensor.name);
  }
  f.body = fmt::format("  void kopt_begin() const {{\n{}  }}\n", begin);
  AddTuples(f, reference.over, "void", prepare, WithSpecLines(spec, reference.code, reference.code_position));
  return f.Text();
}

std::string CodeText(const Spec& spec, size_t own, int number) {
  Function f = NewFunction(spec, number);
  for (size_t t = 0; t < own; ++t)
    if (spec.tensors[t].IsRead()) AddInput(f, spec.tensors[t], t, spec.tensors[t].name);
  const Tensor& tensor = spec.tensors[own];
  AddWriter(f, tensor, own);
  f.body =
      "  void kopt_run() const {\n    {\n" + WithSpecLines(spec, tensor.code, tensor.code_position) + "    }\n  }\n";
  return f.Text();
}

std::string AcceptText(const Spec& spec, const Accept& accept, int number) {
  Function f = NewFunction(spec, number);
  for (size_t t = 0; t < spec.tensors.size(); ++t) {
    const Tensor& tensor = spec.tensors[t];
    if (tensor.IsRead()) AddInput(f, tensor, t, tensor.name);
    if (IsStored(tensor)) AddTruthAndGot(f, tensor, t);
  }
  AddTuples(f, accept.over, "bool", "", WithSpecLines(spec, accept.code, accept.code_position));
  return f.Text();
}

// A function as its caller meets it: the statements that run it, with the arguments in `a`.
struct Entry {
  int number;
  bool prepares;  // a reference's kopt_begin, which ends everywhere before the reference begins
  std::string statements;
};

std::vector<Entry> EntriesOf(const Spec& spec, const OracleFunctions& functions) {
  std::vector<Entry> entries;
  const auto run = [&](int number, bool prepares, std::string_view call) {
    entries.push_back({number, prepares, fmt::format("kopt_function_{}(a).{};", number, call)});
  };
  const std::string shared = fmt::format("a.control(), a.tuples({}));", spec.tensors.size());
  run(kOracleBegin, false, "kopt_run()");
  for (int i = 0; i < functions.references; ++i) {
    const int number = functions.Reference(i);
    if (i > 0) run(number, true, "kopt_begin()");
    entries.push_back({number, false, fmt::format("kopt_for_each(kopt_function_{}(a), {}", number, shared)});
  }
  for (size_t j = 0; j < functions.code_tensors.size(); ++j)
    run(functions.Code(static_cast<int>(j)), false, "kopt_run()");
  for (size_t k = 0; k < functions.accept_tensors.size(); ++k) {
    const int number = functions.Accept(static_cast<int>(k));
    entries.push_back(
        {number, false,
         fmt::format("kopt_accept([=](kopt_control* own) {{ return kopt_function_{}({{args, own}}); }}, {}", number,
                     shared)});
  }
  return entries;
}

std::string EntryFunction(const std::vector<Entry>& entries) {
  std::string text =
      "extern \"C\" void kopt_entry(int function, void* const* args) {\n  const kopt_arguments a{args};\n"
      "  switch (function) {\n";
  bool open = false;
  for (const Entry& entry : entries) {
    text += open ? "      " : fmt::format("    case {}: ", entry.number);
    open = entry.prepares;
    text += entry.statements + (open ? "\n" : " break;\n");
  }
  return text + "  }\n}\n";
}

std::string Kernels(const OracleFunctions& functions, const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    const bool code = entry.number > functions.references && entry.number < functions.Accept(0);
    text += fmt::format(
        "extern \"C\" __global__ void __launch_bounds__(kopt_block) {}(void* const* args) {{\n"
        "  const kopt_arguments a{{args}};\n{}  {}\n}}\n",
        OracleKernel(entry.number, entry.prepares), code ? "  if (blockIdx.x + threadIdx.x > 0) return;\n" : "",
        entry.statements);
  }
  return text;
}

std::string FunctionsText(const Spec& spec, const OracleFunctions& functions) {
  std::string text = BeginText(spec);
  for (int i = 0; i < functions.references; ++i)
    text += ReferenceText(spec, spec.references[static_cast<size_t>(i)], functions.Reference(i));
  for (size_t j = 0; j < functions.code_tensors.size(); ++j)
    text += CodeText(spec, static_cast<size_t>(functions.code_tensors[j]), functions.Code(static_cast<int>(j)));
  for (size_t k = 0; k < functions.accept_tensors.size(); ++k) {
    const Tensor& tensor = spec.tensors[static_cast<size_t>(functions.accept_tensors[k])];
    text += AcceptText(spec, *tensor.accept, functions.Accept(static_cast<int>(k)));
  }
  return text;
}

std::string RoundoffText(const Precision& precision) {
  return fmt::format(
      "#line 1 \"oracle\"\ninline constexpr double kopt_multiply_roundoff = {:a};\n"
      "inline constexpr double kopt_accumulate_roundoff = {:a};\n",
      precision.multiply_roundoff, precision.accumulate_roundoff);
}

std::string Part(std::string_view name, std::string_view text) {
  return fmt::format("#line 1 \"{}\"\n{}\n", name, text);
}

Result<void> CheckCodes(const Spec& spec) {
  for (const Reference& reference : spec.references)
    KOPT_CHECK(CheckOracleCode(spec, reference.code, reference.code_position));
  for (const Tensor& tensor : spec.tensors) {
    KOPT_CHECK(CheckOracleCode(spec, tensor.code, tensor.code_position));
    if (tensor.accept) KOPT_CHECK(CheckOracleCode(spec, tensor.accept->code, tensor.accept->code_position));
  }
  return {};
}

}  // namespace

OracleFunctions FunctionsOf(const Spec& spec) {
  OracleFunctions functions{.references = static_cast<int>(spec.references.size())};
  for (size_t t = 0; t < spec.tensors.size(); ++t) {
    const Tensor& tensor = spec.tensors[t];
    if (tensor.IsRead() && !tensor.code.empty()) functions.code_tensors.push_back(static_cast<int>(t));
    if (tensor.IsWritten() && tensor.accept) functions.accept_tensors.push_back(static_cast<int>(t));
  }
  return functions;
}

std::string OracleKernel(int function, bool prepares) {
  return fmt::format("kopt_oracle_{}{}", prepares ? "begin_" : "", function);
}

Result<std::string> GenerateOracleSource(const Spec& spec) {
  KOPT_CHECK(CheckCodes(spec));
  const OracleFunctions functions = FunctionsOf(spec);
  return RoundoffText(spec.precision) + Part("oracle_loops.h", kOracleLoopsText) + Part("real.h", kRealText) +
         Part("oracle_runtime.h", kOracleRuntimeText) +
         Part("oracle", FunctionsText(spec, functions) + EntryFunction(EntriesOf(spec, functions)));
}

Result<std::string> GenerateOracleKernels(const Spec& spec, std::string_view foundation) {
  KOPT_CHECK(CheckCodes(spec));
  const OracleFunctions functions = FunctionsOf(spec);
  return std::string(foundation) + "namespace kopt_space {\n" + RoundoffText(spec.precision) +
         Part("real.h", WithoutIncludes(kRealText)) + Part("oracle_runtime.h", WithoutIncludes(kOracleRuntimeText)) +
         Part("oracle", FunctionsText(spec, functions) + Kernels(functions, EntriesOf(spec, functions))) +
         "}  // namespace kopt_space\n";
}

const std::vector<std::string>& OracleFlags() {
  static const std::vector<std::string> flags = {
      "-std=c++20",       "-O3", "-march=native", "-fopenmp", "-fPIC", "-fno-math-errno", "-fno-trapping-math",
      "-ffp-contract=off"};
  return flags;
}

Result<long long> TupleCount(const Spec& spec, const std::vector<Over>& over, const Shape& shape) {
  long long count = 1;
  for (const Over& loop : over) {
    const std::string text = loop.index + ":" + loop.extent.text();
    const auto fail = [&](const std::string& why) {
      return std::unexpected(Error{.exit = Exit::kUsage,
                                   .message = fmt::format("`over = \"{}\"`: {}", text, why),
                                   .file = spec.file,
                                   .line = shape.position.line,
                                   .key = text});
    };
    const Result<long long> extent = loop.extent.Int(shape.dims);
    if (!extent) return fail(extent.error().message);
    if (*extent < 0) return fail(fmt::format("the extent is {} at this shape", *extent));
    if (__builtin_mul_overflow(count, *extent, &count)) return fail("too many index tuples at this shape");
  }
  return count;
}

bool CanSample(const Spec& spec) {
  if (spec.references.size() != 1) return false;
  const std::string& code = spec.references.front().code;
  return std::ranges::all_of(spec.tensors, [&](const Tensor& tensor) {
    if (tensor.role == Tensor::Role::kOutput) return OnlyAssigns(code, tensor.name);
    return !IsStored(tensor) || !Accumulates(code, tensor.name);
  });
}

}  // namespace kopt
