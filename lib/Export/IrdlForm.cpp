//===- IrdlForm.cpp - modules for an MLIR without our code ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Export/IrdlForm.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "portolan/RegisterAll.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace portolan;

namespace {

/// The namespaces of Portolan's dialects.
const llvm::StringSet<> &ownDialects() {
  static const llvm::StringSet<> names = [] {
    DialectRegistry registry;
    registerAllDialects(registry);
    llvm::StringSet<> result;
    // A registry always has the builtin dialect.
    for (StringRef name : registry.getDialectNames())
      if (name != BuiltinDialect::getDialectNamespace())
        result.insert(name);
    return result;
  }();
  return names;
}

bool isOwn(Operation *op) {
  return op && ownDialects().contains(op->getName().getDialectNamespace());
}

/// Where the list among the operands (or results) of an op is.
struct ListLayout {
  StringRef op;
  unsigned before; ///< operands in front of the list
  unsigned after;  ///< operands behind it
};

/// Lists of IRDL have one type; its files have kSlots optional operands in
/// place of a list, and an op per number of regions in place of one with a list
/// of them. Defines kSlots, kMaxRegions, kOperandLists, kResultLists and
/// kRegionLists.
#include "lib/Export/IrdlLists.inc"

constexpr llvm::StringLiteral kOperandSizes = "operandSegmentSizes";
constexpr llvm::StringLiteral kResultSizes = "resultSegmentSizes";
constexpr llvm::StringLiteral kRegionsSuffix = "_regions_";

const ListLayout *layoutOf(Operation *op, ArrayRef<ListLayout> layouts) {
  for (const ListLayout &layout : layouts)
    if (op->getName().getStringRef() == layout.op)
      return &layout;
  return nullptr;
}

/// 1 for each operand in front of the list, in use among its slots, or behind.
DenseI32ArrayAttr slotsInUse(MLIRContext *context, const ListLayout &layout,
                             unsigned count) {
  unsigned used = std::min(count - layout.after, layout.before + kSlots);
  SmallVector<int32_t> sizes(used, 1);
  sizes.append(layout.before + kSlots - used, 0);
  sizes.append(layout.after, 1);
  return DenseI32ArrayAttr::get(context, sizes);
}

LogicalResult checkFits(Operation *op) {
  auto check = [&](StringRef what, unsigned most, unsigned got) {
    return got <= most ? success()
                       : op->emitOpError("expects at most ")
                             << most << " " << what << " in IRDL form, got "
                             << got;
  };
  auto checkList = [&](StringRef what, ArrayRef<ListLayout> layouts,
                       unsigned got) {
    const ListLayout *layout = layoutOf(op, layouts);
    return !layout ? success()
                   : check(what, layout->before + kSlots + layout->after, got);
  };
  if (failed(checkList("operands", kOperandLists, op->getNumOperands())) ||
      failed(checkList("results", kResultLists, op->getNumResults())))
    return failure();
  if (llvm::is_contained(kRegionLists, op->getName().getStringRef()))
    return check("regions", kMaxRegions, op->getNumRegions());
  return success();
}

/// "spmd.group<8 by 1>" or "moe<activation silu>", as printed behind # or !,
/// taken apart.
struct Symbol {
  StringRef mnemonic;
  StringRef text; ///< what follows the mnemonic
};

Symbol takeApart(StringRef printed, StringRef dialect) {
  printed = printed.drop_front(1 + dialect.size()); // #moe
  if (!printed.consume_front(".")) {
    printed.consume_front("<");
    printed.consume_back(">");
  }
  StringRef mnemonic = printed.take_while(
      [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
  return {mnemonic, printed.drop_front(mnemonic.size()).trim()};
}

/// An attribute or type that prints as one of an IRDL dialect.
template <typename Opaque, typename... Rest, typename Symbolic>
Opaque quoted(Symbolic symbolic, Rest... rest) {
  std::string printed;
  llvm::raw_string_ostream(printed) << symbolic;
  StringRef dialect = symbolic.getDialect().getNamespace();
  Symbol symbol = takeApart(printed, dialect);
  std::string data = symbol.mnemonic.str();
  if (!symbol.text.empty()) {
    llvm::raw_string_ostream stream(data);
    stream << "<\"";
    llvm::printEscapedString(symbol.text, stream);
    stream << "\">";
  }
  return Opaque::get(StringAttr::get(symbolic.getContext(), dialect), data,
                     rest...);
}

/// Prints ops in IRDL form; the names of values are those of MLIR's printer.
class FormPrinter {
public:
  FormPrinter(Operation *op, llvm::raw_ostream &os)
      : os(os), state(op, OpPrintingFlags().printGenericOpForm()) {
    replacer.addReplacement(
        [](Attribute attribute)
            -> std::optional<std::pair<Attribute, WalkResult>> {
          if (!ownDialects().contains(attribute.getDialect().getNamespace()))
            return std::nullopt;
          return std::make_pair(
              Attribute(quoted<OpaqueAttr>(
                  attribute, Type(NoneType::get(attribute.getContext())))),
              WalkResult::skip());
        });
    replacer.addReplacement(
        [](Type type) -> std::optional<std::pair<Type, WalkResult>> {
          if (!ownDialects().contains(type.getDialect().getNamespace()))
            return std::nullopt;
          return std::make_pair(Type(quoted<OpaqueType>(type)),
                                WalkResult::skip());
        });
  }

  void print(Operation *op, unsigned indent = 0);

private:
  void print(Region &region, bool ofOwnOp, unsigned indent);
  void print(Type type) { os << replacer.replace(type); }
  void printTypes(TypeRange types) {
    os << "(";
    llvm::interleaveComma(types, os, [&](Type type) { print(type); });
    os << ")";
  }

  llvm::raw_ostream &os;
  AsmState state;
  AttrTypeReplacer replacer;
};

void FormPrinter::print(Operation *op, unsigned indent) {
  os.indent(indent);
  if (unsigned results = op->getNumResults()) {
    std::string name;
    llvm::raw_string_ostream stream(name);
    op->getResult(0).printAsOperand(stream, state);
    os << StringRef(name).split('#').first;
    if (results > 1)
      os << ":" << results;
    os << " = ";
  }
  os << '"' << op->getName().getStringRef();
  if (op->getNumRegions() &&
      llvm::is_contained(kRegionLists, op->getName().getStringRef()))
    os << kRegionsSuffix << op->getNumRegions();
  os << "\"(";
  llvm::interleaveComma(op->getOperands(), os,
                        [&](Value value) { value.printAsOperand(os, state); });
  os << ")";
  if (op->getNumSuccessors()) {
    os << "[";
    llvm::interleaveComma(op->getSuccessors(), os, [&](Block *block) {
      block->printAsOperand(os, state);
    });
    os << "]";
  }
  if (op->getNumRegions()) {
    os << " (";
    llvm::interleaveComma(op->getRegions(), os, [&](Region &region) {
      print(region, isOwn(op), indent);
    });
    os << ")";
  }
  // Properties included.
  NamedAttrList attributes(op->getAttrDictionary());
  if (const ListLayout *layout = layoutOf(op, kOperandLists))
    attributes.set(kOperandSizes,
                   slotsInUse(op->getContext(), *layout, op->getNumOperands()));
  if (const ListLayout *layout = layoutOf(op, kResultLists))
    attributes.set(kResultSizes,
                   slotsInUse(op->getContext(), *layout, op->getNumResults()));
  if (!attributes.empty())
    os << " "
       << replacer.replace(
              Attribute(attributes.getDictionary(op->getContext())));
  os << " : ";
  printTypes(op->getOperandTypes());
  os << " -> ";
  printTypes(op->getResultTypes());
  os << "\n";
}

void FormPrinter::print(Region &region, bool ofOwnOp, unsigned indent) {
  os << "{\n";
  for (Block &block : region) {
    if (!block.isEntryBlock() || block.getNumArguments()) {
      os.indent(indent);
      block.printAsOperand(os, state);
      if (block.getNumArguments()) {
        os << "(";
        llvm::interleaveComma(block.getArguments(), os,
                              [&](BlockArgument argument) {
                                argument.printAsOperand(os, state);
                                os << ": ";
                                print(argument.getType());
                              });
        os << ")";
      }
      os << ":\n";
    }
    for (Operation &op : block)
      print(&op, indent + 2);
    if (ofOwnOp && (block.empty() || isOwn(&block.back()) ||
                    !block.back().hasTrait<OpTrait::IsTerminator>()))
      os.indent(indent + 2) << "\"" << ub::UnreachableOp::getOperationName()
                            << "\"() : () -> ()\n";
  }
  os.indent(indent) << "}";
}

/// Reads a string literal of MLIR from behind its opening quote; moves `text`
/// behind the closing one. Nothing if it does not end.
std::optional<std::string> takeString(StringRef &text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      text = text.drop_front(at + 1);
      return result;
    }
    if (text[at] != '\\') {
      result += text[at];
      continue;
    }
    StringRef escaped = text.drop_front(at + 1);
    if (escaped.size() >= 2 && llvm::isHexDigit(escaped[0]) &&
        llvm::isHexDigit(escaped[1])) {
      result += char(llvm::hexFromNibbles(escaped[0], escaped[1]));
      at += 2;
    } else if (!escaped.empty()) {
      result += escaped[0] == 'n'   ? '\n'
                : escaped[0] == 't' ? '\t'
                                    : escaped[0];
      ++at;
    }
  }
  return std::nullopt;
}

/// `text`, which starts with # or !, if it is an attribute or type of ours that
/// holds its text in quotes: the same in our syntax, and `text` moved behind.
std::optional<std::string> takeQuoted(StringRef &text) {
  StringRef rest = text.drop_front();
  auto isName = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  StringRef dialect = rest.take_while(isName);
  rest = rest.drop_front(dialect.size());
  if (!ownDialects().contains(dialect) || !rest.consume_front("."))
    return std::nullopt;
  StringRef mnemonic = rest.take_while(isName);
  rest = rest.drop_front(mnemonic.size());
  if (!rest.consume_front("<\""))
    return std::nullopt;
  std::optional<std::string> body = takeString(rest);
  if (!body || !rest.consume_front(">"))
    return std::nullopt;
  std::string result =
      (text.take_front() + dialect + "<" + mnemonic + " " + *body + ">").str();
  text = rest;
  return result;
}

/// The text with every attribute and type of ours in its own syntax.
std::string unquoted(StringRef text) {
  std::string result;
  while (!text.empty()) {
    if (text.front() == '#' || text.front() == '!') {
      if (std::optional<std::string> own = takeQuoted(text)) {
        result += *own;
        continue;
      }
    } else if (text.front() == '"') {
      StringRef rest = text.drop_front();
      if (!takeString(rest))
        rest = StringRef();
      StringRef literal = text.drop_back(rest.size());
      // The name of an op may say how many regions it has.
      StringRef name = literal.drop_front().split(kRegionsSuffix).first;
      if (rest.starts_with("(") && llvm::is_contained(kRegionLists, name))
        result += ("\"" + name + "\"").str();
      else
        result += literal;
      text = rest;
      continue;
    } else if (text.starts_with("//")) {
      text = text.drop_until([](char c) { return c == '\n'; });
      continue;
    }
    result += text.front();
    text = text.drop_front();
  }
  return result;
}

} // namespace

LogicalResult portolan::printIrdlForm(Operation *op,
                                      llvm::raw_ostream &stream) {
  WalkResult fits = op->walk([](Operation *each) {
    return failed(checkFits(each)) ? WalkResult::interrupt()
                                   : WalkResult::advance();
  });
  if (fits.wasInterrupted())
    return failure();
  FormPrinter(op, stream).print(op);
  return success();
}

OwningOpRef<ModuleOp> portolan::parseIrdlForm(StringRef text,
                                              MLIRContext &context) {
  context.loadDialect<ub::UBDialect>();
  // What ends the blocks of our ops is not part of the module.
  ParserConfig config(&context, /*verifyAfterParse=*/false);
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(unquoted(text), config);
  if (!module)
    return nullptr;
  module->walk([](Operation *op) {
    if (layoutOf(op, kOperandLists))
      op->removeDiscardableAttr(kOperandSizes);
    if (layoutOf(op, kResultLists))
      op->removeDiscardableAttr(kResultSizes);
    if (isa<ub::UnreachableOp>(op) && isOwn(op->getParentOp()))
      op->erase();
  });
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

void portolan::registerIrdlFormTranslations() {
  auto registerDialects = [](DialectRegistry &registry) {
    registerUpstream(registry);
    registerAllDialects(registry);
  };
  static TranslateFromMLIRRegistration exporter(
      "export-irdl-form",
      "print for an MLIR that knows Portolan's dialects from IRDL files",
      [](Operation *op, llvm::raw_ostream &stream) {
        return printIrdlForm(op, stream);
      },
      registerDialects);
  static TranslateToMLIRRegistration importer(
      "import-irdl-form", "read what export-irdl-form printed",
      [](llvm::SourceMgr &sources, MLIRContext *context) {
        const llvm::MemoryBuffer *file =
            sources.getMemoryBuffer(sources.getMainFileID());
        OwningOpRef<ModuleOp> module =
            parseIrdlForm(file->getBuffer(), *context);
        return OwningOpRef<Operation *>(module ? module.release().getOperation()
                                               : nullptr);
      },
      registerDialects);
}
