//===- KernelCases.cpp - random steps of the kernel stratum ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelCases.h"
#include <vector>

using namespace portolan;

std::string portolan::tensorType(std::initializer_list<int64_t> shape,
                                 const std::string &element) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += (size < 0 ? "?" : std::to_string(size)) + "x";
  return text + element + ">";
}

namespace {

std::string join(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// A function whose one op takes all arguments; it returns nothing.
std::string functionOf(const std::string &op,
                       const std::vector<std::string> &operands,
                       const std::vector<std::string> &results,
                       const std::string &attributes) {
  std::vector<std::string> arguments, names;
  for (size_t i = 0; i < operands.size(); ++i) {
    names.push_back("%a" + std::to_string(i));
    arguments.push_back(names.back() + ": " + operands[i]);
  }
  return "func.func @f(" + join(arguments) +
         ") {\n%r:" + std::to_string(results.size()) + " = " + op + "(" +
         join(names) + ") " + attributes + " : (" + join(operands) + ") -> (" +
         join(results) + ")\nreturn\n}\n";
}

} // namespace

std::string portolan::randomExperts(Cases &cases) {
  int64_t rows = cases.oneOf<int64_t>({1, 16, 100, 512});
  int64_t experts = cases.oneOf<int64_t>({1, 2, 7});
  int64_t width = cases.oneOf<int64_t>({60, 64, 96, 256, 504, 4096});
  int64_t inner = cases.oneOf<int64_t>({64, 100, 128, 384, 2048});
  bool gated = cases.oneOf({true, false});
  std::string compute =
      cases.oneOf<const char *>({"bf16", "fp8", "mxfp8", "nvfp4", "mxfp4"});
  std::string weights = cases.oneOf({compute, std::string("mxfp4")});
  std::string activations = cases.oneOf({compute, std::string("bf16")});
  int64_t tile = cases.oneOf<int64_t>({0, 8, 16, 64, 128, 256});
  std::string x = tensorType({rows, width}, "bf16");
  std::string up = tensorType({experts, width, inner}, "bf16");
  std::vector<std::string> operands = {x, tensorType({experts}, "i32"), up};
  if (gated)
    operands.push_back(up);
  operands.push_back(tensorType({experts, inner, width}, "bf16"));
  return functionOf(
      "switched.grouped_gemm", operands, {x},
      "covers \"moe.experts\" {activation = #moe<activation silu>, "
      "activation_format = #moe.format<\"" +
          activations + "\", \"" + compute +
          "\">, operandSegmentSizes = array<i32: 1, 1, " + (gated ? "1" : "0") +
          ", 1, 1, 0, 0, 0>, weight_format = #moe.format<\"" + weights +
          "\", \"" + compute +
          "\">} {engine = \"matmul\", issued_operations = 1.0e13 : f64, "
          "kernels = 2.0 : f64, token_tile = " +
          std::to_string(tile) + " : i64}");
}

std::string portolan::randomRouter(Cases &cases) {
  int64_t tokens = cases.oneOf<int64_t>({1, 16, 100, 512});
  int64_t width = cases.oneOf<int64_t>({60, 64, 96, 504, 4096});
  int64_t experts = cases.oneOf<int64_t>({8, 60, 64, 160, 256, 512});
  int64_t topK = cases.oneOf<int64_t>({1, 2, 3, 8});
  std::string element =
      cases.oneOf<const char *>({"bf16", "bf16", "bf16", "f16", "f32"});
  std::string router = cases.oneOf<std::string>({element, element, "f32"});
  int64_t tile = cases.oneOf<int64_t>({0, 8, 16, 16, 64, 128, 256});
  // Groups that divide every number of experts above.
  bool grouped = cases.oneOf({false, true}) && topK <= 4;
  bool biased = cases.oneOf({false, true});
  bool tabled = !grouped && cases.oneOf({false, false, true});
  bool corrected = !tabled && cases.oneOf({false, true});
  std::string scoring =
      grouped || tabled || corrected
          ? cases.oneOf<const char *>({"softmax", "sigmoid", "sqrt_softplus"})
          : cases.oneOf<const char *>({"softmax", "sigmoid", "sparse_mixer"});
  std::string vector = tensorType({experts}, "f32");
  std::vector<std::string> operands = {tensorType({tokens, width}, element),
                                       tensorType({width, experts}, router)};
  if (biased)
    operands.push_back(vector);
  if (corrected)
    operands.push_back(vector);
  if (tabled) {
    operands.push_back(tensorType({tokens}, "i64"));
    operands.push_back(tensorType({1000, topK}, "i32"));
  }
  auto flag = [](bool present) -> std::string { return present ? "1" : "0"; };
  return functionOf(
      "switched.router_topk", operands,
      {tensorType({tokens, topK}, "f32"), tensorType({tokens, topK}, "i32")},
      "covers \"moe.route\" {" +
          std::string(grouped ? "groups = 4 : i64, top_groups = 2 : i64, "
                              : "") +
          (cases.oneOf({false, true}) ? "normalize, " : "") +
          "operandSegmentSizes = array<i32: 1, 1, " + flag(biased) + ", " +
          flag(corrected) + ", " + flag(tabled) + ", " + flag(tabled) +
          ">, scoring = #moe<scoring " + scoring +
          ">, top_k = " + std::to_string(topK) +
          " : i64} {engine = \"matmul\", issued_operations = 1.0e13 : f64, "
          "kernels = 1.0 : f64, token_tile = " +
          std::to_string(tile) + " : i64}");
}

std::string portolan::randomLatentAttention(Cases &cases) {
  int64_t batch = cases.oneOf<int64_t>({1, 8, 33});
  int64_t fresh = cases.oneOf<int64_t>({1, 1, 2, 512});
  int64_t past = cases.oneOf<int64_t>({0, 1, 100, 4608});
  int64_t heads = cases.oneOf<int64_t>({1, 16, 128});
  int64_t latent = cases.oneOf<int64_t>({64, 512, 512, 512, 1536, 60});
  int64_t key = cases.oneOf<int64_t>({64, 128});
  int64_t rope = cases.oneOf<int64_t>({32, 64, 64, 64, 320});
  int64_t value = cases.oneOf<int64_t>({64, 128});
  std::string compute =
      cases.oneOf<const char *>({"bf16", "bf16", "bf16", "fp8", "mxfp8"});
  std::string cache =
      cases.oneOf({compute, compute, compute, std::string("fp8")});
  std::string weights = cases.oneOf({compute, compute, std::string("mxfp4")});
  int64_t tile = cases.oneOf<int64_t>({8, 16, 16, 32, 32, 64, 256, 0});
  bool absorbed = cases.oneOf({true, true, true, true, true, false});
  bool lengths = cases.oneOf({false, false, false, false, false, true});
  bool summed = cases.oneOf({false, true});
  std::vector<std::string> operands = {
      tensorType({batch, fresh, heads * (key + rope)}, "bf16"),
      tensorType({batch, fresh, latent}, "bf16"),
      tensorType({batch, fresh, rope}, "bf16"),
      tensorType({batch, past, latent}, "bf16"),
      tensorType({batch, past, rope}, "bf16"),
      tensorType({heads, latent, key}, "bf16"),
      tensorType({heads, latent, value}, "bf16")};
  if (lengths)
    operands.push_back(tensorType({batch}, "i32"));
  std::vector<std::string> results = {
      tensorType({batch, fresh, heads * value}, "bf16"),
      tensorType({batch, past + fresh, latent}, "bf16"),
      tensorType({batch, past + fresh, rope}, "bf16")};
  if (summed)
    results.push_back(tensorType({batch, fresh, heads}, "f32"));
  return functionOf(
      "switched.latent_attention", operands, results,
      "covers \"moe.latent_attention\" {" +
          std::string(absorbed ? "absorbed, " : "") +
          "cache_format = #moe.format<\"" + cache + "\", \"" + compute +
          "\">, heads = " + std::to_string(heads) + " : i64, " +
          (cases.oneOf({false, true}) ? "past_only, " : "") +
          "scale = 0.125 : f64, weight_format = #moe.format<\"" + weights +
          "\", \"" + compute +
          "\">} {engine = \"matmul\", issued_operations = 1.0e16 : f64, "
          "kernels = 3.0 : f64, token_tile = " +
          std::to_string(tile) + " : i64}");
}

namespace {

/// "load = #moe.load<...>" of rows that are not known.
std::string randomLoad(Cases &cases) {
  std::string mean = cases.oneOf<const char *>({"1.5", "20.0", "777.25"});
  return "load = #moe.load<mean = " + mean +
         ", max = 1000.5, capacity = 2048, hit = 1.0>";
}

std::string randomFormat(Cases &cases, const char *name) {
  std::string format =
      cases.oneOf<const char *>({"", "bf16", "fp8", "nvfp4", "mxfp4"});
  if (format.empty())
    return "";
  return std::string(name) + " = #moe.format<\"" + format + "\", \"" + format +
         "\">, ";
}

std::string randomShare(Cases &cases) {
  return std::string("{engine = \"gather\", kernels = 1.0 : f64") +
         cases.oneOf<const char *>(
             {"", ", share = 0.5 : f64", ", share = 0.002 : f64"}) +
         "}";
}

std::string groupOf(int64_t size, int64_t stride) {
  return "group = #spmd.group<" + std::to_string(size) + " by " +
         std::to_string(stride) + ">";
}

std::string transfer(const std::string &algorithm) {
  return " {algorithm = \"" + algorithm +
         "\", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 "
         ": f64}";
}

} // namespace

std::string portolan::randomPack(Cases &cases) {
  int64_t tokens = cases.oneOf<int64_t>({1, 16, 1000});
  int64_t width = cases.oneOf<int64_t>({30, 60, 64, 512, 7168, 262144});
  int64_t choices = cases.oneOf<int64_t>({1, 2, 8});
  int64_t ranks = cases.oneOf<int64_t>({1, 4, 8, 72});
  int64_t spread = ranks > 1 ? cases.oneOf<int64_t>({1, 2, 4}) : 1;
  int64_t experts = cases.oneOf<int64_t>({72, 100, 256});
  return functionOf(
      "switched.pack",
      {tensorType({tokens, width}, "bf16"),
       tensorType({tokens, choices}, "f32"),
       tensorType({tokens, choices}, "i32")},
      {tensorType({-1, width}, "bf16"), tensorType({-1, choices}, "f32"),
       tensorType({-1, choices}, "i32"), tensorType({-1}, "i32"),
       tensorType({ranks}, "i32")},
      "covers \"spmd.pack\" {expert_tensor = " + std::to_string(spread) +
          " : i64, experts = " + std::to_string(experts) + " : i64, " +
          randomFormat(cases, "format") + groupOf(ranks, 1) + ", " +
          randomLoad(cases) + "} " + randomShare(cases));
}

std::string portolan::randomPermute(Cases &cases) {
  bool flat = cases.oneOf({true, true, true, false});
  int64_t tokens = cases.oneOf<int64_t>({-1, 1, 16});
  int64_t width = cases.oneOf<int64_t>({30, 60, 64, 512, 7168, 262144});
  int64_t choices = cases.oneOf<int64_t>({1, 2, 8});
  int64_t experts = cases.oneOf<int64_t>({1, 7, 256, 100000});
  std::string element = cases.oneOf<const char *>({"bf16", "f32"});
  std::string index = cases.oneOf<const char *>({"i32", "i32", "i32", "i64"});
  auto rows = [&](int64_t last, const std::string &kind) {
    return flat ? tensorType({tokens, last}, kind)
                : tensorType({2, tokens, last}, kind);
  };
  std::vector<std::string> operands = {rows(width, element),
                                       rows(choices, index)};
  if (cases.oneOf({false, false, true}))
    operands.push_back(rows(choices, "f32"));
  return functionOf(
      "switched.permute", operands,
      {tensorType({-1, width}, element), tensorType({experts}, "i32")},
      "covers \"moe.dispatch\" {" + randomFormat(cases, "activation_format") +
          "first_expert = 3 : i64, " + randomLoad(cases) + "} " +
          randomShare(cases));
}

std::string portolan::randomRowPut(Cases &cases) {
  int64_t width = cases.oneOf<int64_t>({30, 60, 64, 512, 7168, 262144});
  int64_t choices = cases.oneOf<int64_t>({0, 1, 8});
  int64_t ranks = cases.oneOf<int64_t>({2, 4, 8, 72, 100});
  std::vector<std::string> rows = {
      tensorType({-1, width}, cases.oneOf<const char *>({"bf16", "f32"}))};
  if (choices > 0) {
    rows.push_back(tensorType({-1, choices}, "f32"));
    rows.push_back(tensorType({-1, choices}, "i32"));
  }
  std::vector<std::string> operands = rows;
  operands.insert(operands.end(), 2, tensorType({ranks}, "i32"));
  return functionOf("switched.row_put", operands, rows,
                    "covers \"spmd.all_to_all_v\" {" +
                        randomFormat(cases, "format") +
                        groupOf(ranks, cases.oneOf<int64_t>({1, 1, 2})) + ", " +
                        randomLoad(cases) + "}" +
                        transfer(cases.oneOf<const char *>(
                            {"direct", "direct", "direct", "hierarchical"})));
}

std::string portolan::randomAllReduce(Cases &cases) {
  int64_t rows = cases.oneOf<int64_t>({1, 3, 16, 1000});
  int64_t width = cases.oneOf<int64_t>({1, 7, 512, 7168});
  std::string type = tensorType(
      {rows, width}, cases.oneOf<const char *>({"bf16", "f16", "f32"}));
  return functionOf(
      "switched.all_reduce", {type}, {type},
      "covers \"spmd.all_reduce\" {" +
          cases.oneOf<std::string>({"", "", randomFormat(cases, "format")}) +
          groupOf(cases.oneOf<int64_t>({2, 4, 8, 72}),
                  cases.oneOf<int64_t>({1, 1, 2})) +
          "}" +
          transfer(cases.oneOf<const char *>(
              {"in_network", "one_shot", "in_network", "one_shot", "ring"})));
}
