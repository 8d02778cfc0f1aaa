//===- StackWeights.cpp - the weights of experts as one -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/StackWeights.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Where the bytes of a part are.
struct Place {
  StringAttr file;
  int64_t offset = -1, length = 0;
};

/// What `names` have in common, with a star where they differ.
std::string commonName(StringRef first, StringRef last) {
  size_t most = std::min(first.size(), last.size()), prefix = 0, suffix = 0;
  while (prefix < most && first[prefix] == last[prefix])
    ++prefix;
  while (suffix < most - prefix &&
         first[first.size() - 1 - suffix] == last[last.size() - 1 - suffix])
    ++suffix;
  return (first.take_front(prefix) + "*" + first.take_back(suffix)).str();
}

RankedTensorType typeOfPart(WeightSlice slice) {
  auto type = cast<RankedTensorType>(slice.weight.getType());
  return slice.index == -1 ? type
                           : RankedTensorType::get(type.getShape().drop_front(),
                                                   type.getElementType());
}

/// The elements of all parts, one behind the other.
template <typename T>
DenseElementsAttr joinValues(ArrayRef<DenseElementsAttr> values,
                             RankedTensorType type, T zero) {
  SmallVector<T> all;
  int64_t each = type.getNumElements() / type.getDimSize(0);
  for (DenseElementsAttr value : values)
    if (value)
      llvm::append_range(all, value.getValues<T>());
    else
      all.append(each, zero);
  return DenseElementsAttr::get(type, all);
}

} // namespace

llvm::Expected<moe::WeightDataOp>
WeightStacks::makeData(ArrayRef<WeightSlice> slices) {
  if (!symbols)
    symbols.emplace(main->getParentOfType<ModuleOp>());
  SmallVector<Place> places;
  SmallVector<DenseElementsAttr> values;
  StringRef firstName, lastName;
  RankedTensorType part;
  bool hasPlaces = false, hasValues = false, hasNeither = false;
  for (WeightSlice slice : slices) {
    Place &place = places.emplace_back();
    DenseElementsAttr &value = values.emplace_back();
    if (!slice.weight)
      continue;
    part = typeOfPart(slice);
    auto data = symbols->lookup<moe::WeightDataOp>(
        slice.weight.getSourceAttr().getAttr());
    lastName = data.getSymName();
    if (firstName.empty())
      firstName = lastName;
    value = dyn_cast_or_null<DenseElementsAttr>(data.getValueAttr());
    if (value && slice.index == -1) {
      hasValues = true;
    } else if (data.getOffset() && data.getFile()) {
      hasPlaces = true;
      int64_t parts =
          slice.index == -1
              ? 1
              : cast<RankedTensorType>(data.getType()).getDimSize(0);
      if (*data.getLength() % parts != 0)
        return llvm::createStringError("expects weights of whole bytes");
      place.file = data.getFileAttr();
      place.length = *data.getLength() / parts;
      // No overflow: the index is one of the parts of the length.
      int64_t before = std::max<int64_t>(slice.index, 0) * place.length;
      if (llvm::AddOverflow(int64_t(*data.getOffset()), before, place.offset))
        return llvm::createStringError("expects offsets below 2^63");
    } else if (data.getValue() || data.getOffsets() || slice.index != -1) {
      return llvm::createStringError(
          "expects a weight in one piece for each expert");
    } else {
      hasNeither = true;
    }
  }
  if (hasPlaces + hasValues + hasNeither > 1)
    return llvm::createStringError(
        "expects the weights of all experts in files");

  SmallVector<int64_t> shape = {int64_t(slices.size())};
  llvm::append_range(shape, part.getShape());
  int64_t bits = 64; // of the widest element
  for (int64_t size : shape)
    if (llvm::MulOverflow(bits, size, bits))
      return llvm::createStringError("expects weights of less than 2^60 bytes");
  auto type = RankedTensorType::get(shape, part.getElementType());
  OpBuilder builder(main);
  StringAttr file;
  IntegerAttr offset, length;
  DenseI64ArrayAttr offsets;
  ArrayAttr files;
  DenseElementsAttr value;
  if (hasValues) {
    if (auto element = dyn_cast<FloatType>(type.getElementType()))
      value = joinValues<APFloat>(
          values, type, APFloat::getZero(element.getFloatSemantics()));
    else
      value = joinValues<APInt>(values, type,
                                APInt(type.getElementTypeBitWidth(), 0));
  } else if (hasPlaces) {
    SmallVector<int64_t> all;
    SmallVector<StringRef> names;
    bool isOneFile = true, isOnePiece = true;
    int64_t each = 0;
    for (const Place &place : places)
      if (place.file) {
        file = file ? file : place.file;
        isOneFile &= place.file == file;
        if (each != 0 && place.length != each)
          return llvm::createStringError("expects weights of one length");
        each = place.length;
      }
    for (const Place &place : places) {
      isOnePiece &=
          place.file && (all.empty() || place.offset - all.back() == each);
      all.push_back(place.offset);
      names.push_back(place.file ? place.file.getValue() : StringRef());
    }
    int64_t bytes = 0;
    if (llvm::MulOverflow(each, int64_t(slices.size()), bytes))
      return llvm::createStringError("expects fewer than 2^63 bytes");
    length = builder.getI64IntegerAttr(bytes);
    if (isOneFile && isOnePiece) {
      offset = builder.getI64IntegerAttr(all.front());
    } else {
      offsets = builder.getDenseI64ArrayAttr(all);
      if (!isOneFile) {
        file = nullptr;
        files = builder.getStrArrayAttr(names);
      }
    }
  }
  std::string name = commonName(firstName, lastName);
  auto data = moe::WeightDataOp::create(
      builder, NameLoc::get(builder.getStringAttr(name)),
      builder.getStringAttr(name), TypeAttr::get(type), file, offset, length,
      value, offsets, files);
  symbols->insert(data);
  return data;
}

llvm::Expected<moe::WeightOp>
WeightStacks::stack(ArrayRef<WeightSlice> slices) {
  std::vector<std::pair<const void *, int64_t>> key;
  for (WeightSlice slice : slices)
    key.push_back(
        {slice.weight ? slice.weight.getOperation() : nullptr, slice.index});
  auto [entry, isNew] = known.try_emplace(std::move(key));
  if (!isNew)
    return entry->second;
  llvm::Expected<moe::WeightDataOp> data = makeData(slices);
  if (!data) {
    known.erase(entry);
    return data.takeError();
  }
  OpBuilder builder = OpBuilder::atBlockBegin(&main.getBody().front());
  return entry->second = moe::WeightOp::create(
             builder, data->getLoc(), data->getType(),
             FlatSymbolRefAttr::get(data->getSymNameAttr()));
}
