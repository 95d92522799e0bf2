package org.kazasu.sample

import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import org.kazasu.sample.model.Added
import org.kazasu.sample.model.Person
import org.kazasu.sample.model.place
import org.kazasu.sample.ui.members

/** Where the app starts: whose insurance? */
class MembersActivity : SampleActivity() {
    private var refusal: String? = null

    override fun onStart() {
        super.onStart()
        refusal = null
        watch(model.household.people, ::draw)
    }

    private fun draw(people: List<Person>): Unit = show(
        kit.members(people, refusal, onMember = ::check, onAdd = ::add, onSettings = { open(SettingsActivity::class.java) }, ::call),
    )

    private fun check(number: Int) {
        model.startCheck(number, language, getString(R.string.notice_limit))
        open(CheckActivity::class.java)
    }

    private fun add(): Unit = when (val place = model.household.place(language)) {
        Added.Yes -> open(AddMemberActivity::class.java)
        is Added.No -> {
            refusal = place.text
            draw(model.household.people.value)
        }
    }

    // The number is dialled, not called.
    private fun call() = try {
        startActivity(Intent(Intent.ACTION_DIAL, Uri.parse("tel:0120950178")))
    } catch (_: ActivityNotFoundException) {
        // A tablet: the number stands on the button.
    }

    private fun open(screen: Class<*>) = startActivity(Intent(this, screen))
}
