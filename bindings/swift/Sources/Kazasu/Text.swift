import KazasuFFI

extension String {
    /// A text of a server, card or file as it may be shown: on one line, without characters that are not seen, with single
    /// spaces. Show no such value without it: a name with line breaks forges rows of a screen, and one with a change of
    /// direction other words. Letters of all scripts stay.
    ///
    /// - Parameter most: Characters, at least 1; a text that was cut ends with `…`. `nil` for all of them.
    public func shown(most: Int? = nil) -> String {
        shownText(text: self, most: most.map { UInt32(clamping: max($0, 1)) })
    }
}
