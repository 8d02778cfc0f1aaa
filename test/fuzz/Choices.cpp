//===- Choices.cpp - changes to the values of a model ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Choices.h"
#include <cstring>
#include <limits>
#include <sstream>

using namespace portolan::fuzz;

std::vector<std::string> portolan::fuzz::wordsOf(const char *text) {
  std::istringstream stream(text);
  std::vector<std::string> words(1);
  for (std::string word; stream >> word;)
    words.push_back(word);
  return words;
}

int64_t Choices::number() {
  // Small sizes, and where 32 and 64 bits end.
  constexpr int64_t kNumbers[] = {0,
                                  1,
                                  -1,
                                  2,
                                  3,
                                  4,
                                  7,
                                  8,
                                  64,
                                  65,
                                  1000,
                                  1000000000,
                                  INT32_MAX,
                                  INT32_MIN,
                                  INT64_MAX,
                                  INT64_MIN,
                                  int64_t(1) << 32,
                                  int64_t(1) << 62};
  return kNumbers[below(std::size(kNumbers))];
}

float Choices::real() {
  using Limits = std::numeric_limits<float>;
  constexpr float kReals[] = {0,
                              1,
                              -1,
                              0.5f,
                              1e-6f,
                              1e38f,
                              Limits::denorm_min(),
                              Limits::infinity(),
                              -Limits::infinity(),
                              Limits::quiet_NaN()};
  return kReals[below(std::size(kReals))];
}

template <typename Numbers> void Choices::mutateNumbers(Numbers *numbers) {
  int size = numbers->size();
  switch (below(5)) {
  case 0:
    numbers->Add(number());
    break;
  case 1:
    if (size > 0)
      numbers->RemoveLast();
    break;
  case 2:
    if (size > 1)
      numbers->SwapElements(below(size), below(size));
    break;
  case 3:
    if (size > 0)
      numbers->Set(below(size),
                   numbers->Get(below(size)) + (oneIn(2) ? 1 : -1));
    break;
  default:
    if (size > 0)
      numbers->Set(below(size), number());
  }
}

void Choices::mutateTensor(onnx::TensorProto &tensor) {
  switch (below(7)) {
  case 0:
    mutateNumbers(tensor.mutable_dims());
    break;
  case 1:
    tensor.set_data_type(below(28));
    break;
  case 2:
    if (tensor.raw_data().size() >= 8) {
      // A shape, an index, a bound.
      int64_t value = number();
      size_t at = size_t(below(int(tensor.raw_data().size() / 8))) * 8;
      std::memcpy(&(*tensor.mutable_raw_data())[at], &value, 8);
    }
    break;
  case 3: {
    // Consistent: another length with its bytes.
    int64_t count = below(6);
    tensor.clear_dims();
    tensor.add_dims(count);
    if (tensor.data_type() == onnx::TensorProto::INT64) {
      tensor.mutable_raw_data()->clear();
      for (int64_t i = 0; i < count; ++i) {
        int64_t value = number();
        tensor.mutable_raw_data()->append(
            reinterpret_cast<const char *>(&value), 8);
      }
    } else {
      tensor.mutable_raw_data()->resize(size_t(count) * 4);
    }
    break;
  }
  case 4: {
    // As large as it likes.
    tensor.clear_raw_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    tensor.clear_external_data();
    onnx::StringStringEntryProto *entry = tensor.add_external_data();
    entry->set_key("location");
    entry->set_value(oneIn(4) ? "../w" : "w");
    if (tensor.dims_size() > 0 && oneIn(2))
      tensor.set_dims(below(tensor.dims_size()), number());
    break;
  }
  case 5:
    mutateNumbers(tensor.mutable_int64_data());
    break;
  default:
    if (tensor.raw_data().size() >= 4) {
      float value = real();
      size_t at = size_t(below(int(tensor.raw_data().size() / 4))) * 4;
      std::memcpy(&(*tensor.mutable_raw_data())[at], &value, 4);
    }
  }
}

void Choices::mutateAttribute(onnx::AttributeProto &attribute) {
  if (oneIn(8))
    attribute.set_type(onnx::AttributeProto::AttributeType(below(15)));
  switch (attribute.type()) {
  case onnx::AttributeProto::INT:
    attribute.set_i(oneIn(2) ? number() : below(8) - 3);
    break;
  case onnx::AttributeProto::FLOAT:
    attribute.set_f(real());
    break;
  case onnx::AttributeProto::INTS:
    mutateNumbers(attribute.mutable_ints());
    break;
  case onnx::AttributeProto::FLOATS:
    attribute.add_floats(real());
    break;
  case onnx::AttributeProto::TENSOR:
    mutateTensor(*attribute.mutable_t());
    break;
  case onnx::AttributeProto::STRING: {
    std::string text = attribute.s();
    if (!text.empty() && oneIn(2))
      text.erase(size_t(below(int(text.size()))), 1);
    else
      text.insert(size_t(below(int(text.size()) + 1)), 1,
                  "a,->. \xff"[below(7)]);
    attribute.set_s(text);
    break;
  }
  default:
    break;
  }
}

void Choices::mutateInfo(onnx::ValueInfoProto &info) {
  auto *type = info.mutable_type()->mutable_tensor_type();
  auto *dims = type->mutable_shape()->mutable_dim();
  switch (below(6)) {
  case 0:
    type->set_elem_type(below(28));
    break;
  case 1:
    dims->Add()->set_dim_value(number());
    break;
  case 2:
    if (!dims->empty())
      dims->RemoveLast();
    break;
  case 3:
    if (!dims->empty())
      pickOf(dims)->set_dim_value(number());
    break;
  case 4:
    if (!dims->empty())
      pickOf(dims)->set_dim_param(oneIn(2) ? "n" : "");
    break;
  default:
    if (oneIn(2))
      type->clear_shape();
    else
      info.clear_type();
  }
}
